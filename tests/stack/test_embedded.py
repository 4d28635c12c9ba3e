"""The private servers on their own."""

import stat

import psycopg2
import pytest
import redis

from alliance_site import embedded

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    long_name = "a" * 120  # longer than the path of a Unix socket may be
    return tmp_path_factory.mktemp(long_name)


@pytest.fixture(scope="module")
def engines(home):
    with embedded.start(home) as engines:
        yield engines


def query(url, sql):
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone() if cursor.description else None
    finally:
        connection.close()


def test_application_role_is_bound_by_row_level_security(engines):
    role = "SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user"
    assert query(engines.database_url, role) == (False, False, False, False)


def test_application_role_reads_and_writes_what_the_owner_creates(engines):
    query(engines.owner_url, "CREATE TABLE note (id bigserial, word text)")
    assert query(engines.database_url, "INSERT INTO note (word) VALUES ('x') RETURNING id") == (1,)


@pytest.mark.parametrize(
    "sql", ["CREATE TABLE mine ()", "CREATE SCHEMA mine", "CREATE ROLE mine", "SET ROLE alliance_owner"]
)
def test_application_role_creates_nothing(engines, sql):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        query(engines.database_url, sql)


def test_new_database_has_the_same_privileges(engines):
    connection = psycopg2.connect(engines.owner_url)
    connection.autocommit = True
    connection.cursor().execute("CREATE DATABASE test_alliance")
    connection.close()
    query(engines.owner_url.replace("/alliance?", "/test_alliance?"), "CREATE TABLE note (id int)")
    assert query(engines.database_url.replace("/alliance?", "/test_alliance?"), "SELECT count(*) FROM note") == (0,)


def test_commits_wait_for_the_disk(engines):
    assert query(engines.database_url, "SHOW synchronous_commit") == ("on",)
    assert query(engines.database_url, "SHOW fsync") == ("on",)


def test_database_listens_on_no_address(engines):
    assert query(engines.database_url, "SHOW listen_addresses") == ("",)


def test_wrong_password_is_refused(engines, home):
    for url in (engines.database_url, engines.owner_url, engines.superuser_url):
        scheme, rest = url.split("://")
        role = rest.split(":")[0]
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            query(f"{scheme}://{role}:wrong@{rest.split('@')[1]}", "SELECT 1")
    with pytest.raises(redis.AuthenticationError):
        redis.Redis.from_url("redis://" + engines.redis_url.split("@")[1]).ping()


def test_secrets_are_their_owners_alone(engines, home):
    assert stat.S_IMODE((home / "secrets.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((home / "sockets").stat().st_mode) == 0o700


def test_restart_keeps_data_and_secrets(tmp_path):
    with embedded.start(tmp_path) as engines:
        secret = embedded.kept_secret(tmp_path, "secret_key")
        query(engines.owner_url, "CREATE TABLE kept ()")
        redis.Redis.from_url(engines.redis_url).set("kept", "yes")
    with embedded.start(tmp_path) as engines:
        assert query(engines.database_url, "SELECT count(*) FROM kept") == (0,)
        assert redis.Redis.from_url(engines.redis_url).get("kept") == b"yes"
    assert embedded.kept_secret(tmp_path, "secret_key") == secret
    assert not (tmp_path / "sockets").is_symlink()


def test_start_forgets_a_server_whose_process_id_was_given_to_another_program(tmp_path):
    with embedded.start(tmp_path, redis=False):
        pass
    (tmp_path / "postgres" / "postmaster.pid").write_text(f"1\n{tmp_path}/postgres\n0\n5432\n\n\n0 0\nready\n")
    with embedded.start(tmp_path, redis=False) as engines:
        assert query(engines.database_url, "SELECT 1") == (1,)


def test_failing_start_tells_the_servers_own_words(tmp_path):
    with embedded.start(tmp_path, redis=False):
        pass
    (tmp_path / "postgres" / "postgresql.conf").write_text("no_such_setting = on\n")
    with pytest.raises(embedded.EngineError, match="no_such_setting"):
        embedded.start(tmp_path, redis=False)


def test_only_what_is_asked_for_is_started(tmp_path):
    with embedded.start(tmp_path, database=False) as engines:
        assert engines.database_url == ""
        assert redis.Redis.from_url(engines.redis_url).ping()
