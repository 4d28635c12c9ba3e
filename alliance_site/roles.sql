-- Run once by a superuser with psql: `make demo` and docker-compose.yml both use this file.
-- alliance_owner migrates; alliance_app is what the product connects as, and row-level security binds it.
\set ON_ERROR_STOP on
\getenv owner_password ALLIANCE_OWNER_PASSWORD
\getenv app_password ALLIANCE_APP_PASSWORD

SELECT 'CREATE ROLE alliance_owner' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'alliance_owner') \gexec
SELECT 'CREATE ROLE alliance_app' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'alliance_app') \gexec
ALTER ROLE alliance_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE CREATEDB PASSWORD :'owner_password';
ALTER ROLE alliance_app LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB PASSWORD :'app_password';

-- In template1, so that test databases are born with the same privileges.
\connect template1
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE alliance_owner IN SCHEMA public
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO alliance_app;
ALTER DEFAULT PRIVILEGES FOR ROLE alliance_owner IN SCHEMA public
  GRANT USAGE ON SEQUENCES TO alliance_app;

SELECT 'CREATE DATABASE alliance OWNER alliance_owner ENCODING ''UTF8'' TEMPLATE template1'
  WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'alliance') \gexec
REVOKE ALL ON DATABASE alliance FROM PUBLIC;
GRANT CONNECT ON DATABASE alliance TO alliance_app;
