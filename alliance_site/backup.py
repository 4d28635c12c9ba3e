"""A backup of the whole database with a manifest of what is in it, and the way back into an empty instance.

A backup is a folder with `database.dump` (pg_dump's custom format) and `manifest.json`: rows and a checksum of every
table, the structure with its policies and grants, and the versions. All of it is read in one snapshot, while people
work. What opens it is never in that folder: the keys of encrypted fields, the key that signs links and the tombstones
of erased clients go into another one (`--apart`), to be kept elsewhere. docs/operations.md says how often and where to.
"""

import argparse
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.extensions import parse_dsn

from alliance_site import embedded, stack

FORMAT = 1
DUMP, MANIFEST = "database.dump", "manifest.json"
FIELD_KEYS, SECRET_KEY, TOMBSTONES = "field.keys", "secret_key", "tombstones.jsonl"
# Management commands that a restored database needs before anybody signs in, those of them that this version has:
# erase again whom the backup brings back; verify that the audit log is as it was sealed.
AFTER_RESTORE = ("erase_again", "verify_audit")
DIFFERENCES_SHOWN = 20


class BackupError(Exception):
    """What went wrong, in words for whoever runs the service."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m alliance_site.backup", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    backup = commands.add_parser("backup", help="write a backup into a folder of its own")
    backup.add_argument("--to", type=Path, required=True, help="the folder that holds the backups")
    restore = commands.add_parser("restore", help="fill an empty instance from a backup")
    restore.add_argument("--from", dest="source", type=Path, required=True, help="the folder of one backup")
    for command in (backup, restore):
        command.add_argument("--apart", type=Path, help="the folder of keys and tombstones, on another disk or machine")
    arguments = parser.parse_args()

    os.umask(0o077)  # whatever is written is this user's alone
    started = time.monotonic()
    try:
        if arguments.command == "backup":
            make_backup(to=arguments.to.absolute(), apart=arguments.apart)
        else:
            bring_back(source=arguments.source.absolute(), apart=arguments.apart)
    except (BackupError, embedded.EngineError) as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"{error.filename} can't be used: {error.strerror}.")
    except psycopg2.Error as error:
        sys.exit(f"The database refused: {str(error).strip()}")
    print(f"It took {(time.monotonic() - started) / 60:.1f} minutes.")


# --- Backup -------------------------------------------------------------------------------------------------


def make_backup(*, to: Path, apart: Path | None) -> Path:
    """Write a backup; the folder has its name only once it is complete."""
    if apart and is_inside(apart, to):
        raise BackupError("--apart is inside the folder of the backups. Keys that lie beside a backup protect nothing.")
    with database_of_instance() as url:
        taken_at = datetime.now(UTC)
        folder = to / f"alliance-{taken_at:%Y%m%dT%H%M%SZ}"
        if folder.exists():
            raise BackupError(f"{folder} exists. Wait a second, and try again.")
        draft = folder.with_name(f"{folder.name}.unfinished")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True, mode=0o700)
        with snapshot(url) as (cursor, snapshot_id):
            dump(url, draft / DUMP, snapshot_id)
            manifest = {"format": FORMAT, "taken_at": taken_at.isoformat(timespec="seconds"), **described(cursor)}
    manifest["dump"] = {"bytes": (draft / DUMP).stat().st_size, "sha256": sha256_of(draft / DUMP)}
    manifest["field_keys"] = key_ids(field_keys_file())
    write(draft / MANIFEST, json.dumps(manifest, indent=1, sort_keys=True).encode())
    draft.rename(folder)
    print(f"{folder} has {words_for(manifest)}.")
    if apart:
        keep_apart(apart)
        print(f"{apart} has the keys and the tombstones. Keep it where no backup is.")
    else:
        print("The keys of process notes and the tombstones are not in it: copy them with APART=, to another place.")
    return folder


def is_inside(inner: Path, outer: Path) -> bool:
    return inner.resolve().is_relative_to(outer.resolve()) or outer.resolve().is_relative_to(inner.resolve())


def dump(url: str, path: Path, snapshot_id: str) -> None:
    run_tool("pg_dump", ["--format=custom", "--no-password", f"--snapshot={snapshot_id}", f"--file={path}"], url)
    path.chmod(0o600)


def keep_apart(apart: Path) -> None:
    """Copy what the backup must not hold. An empty file of tombstones says that nobody was erased so far."""
    apart.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, content in (
        (FIELD_KEYS, read_if_there(field_keys_file())),
        (SECRET_KEY, secret_key().encode()),
        (TOMBSTONES, read_if_there(tombstones_file())),
    ):
        write(apart / name, content)


def words_for(manifest: Mapping[str, Any]) -> str:
    tables = manifest["tables"]
    rows = sum(table["rows"] for table in tables.values())
    return f"{rows:,} rows of {len(tables)} tables, as of {manifest['taken_at']}"


# --- Restore ------------------------------------------------------------------------------------------------


def bring_back(*, source: Path, apart: Path | None) -> None:
    """Fill an empty instance, compare it with the manifest, bring it up to date and run what a restore asks for."""
    manifest = read_manifest(source)
    if apart:
        check_apart(apart, manifest)
    with database_of_instance(for_restore=True) as url:
        refuse_unless_empty(url)
        if apart:
            put_back(apart)
        options = ["--exit-on-error", "--single-transaction", "--no-password"]
        run_tool("pg_restore", [*options, f"--dbname={parse_dsn(url)['dbname']}", str(source / DUMP)], url)
        with snapshot(url) as (cursor, _):
            differences = compared(manifest, described(cursor))
        if differences:
            shown = "\n".join(differences[:DIFFERENCES_SHOWN])
            raise BackupError(f"What came back is not what was saved. Do not use this instance.\n{shown}")
        embedded.gather_statistics(url)
        print(f"{words_for(manifest)}: every table, policy, trigger, grant and constraint as it was.", flush=True)
        finish()
    if not apart:
        print("Put the keys of process notes back (docs/field-keys.md) and the SECRET_KEY, before you start it.")


def refuse_unless_empty(url: str) -> None:
    with snapshot(url) as (cursor, _):
        cursor.execute("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace")
        if cursor.fetchone()[0]:
            raise BackupError("This instance is not empty, so nothing was restored. Give a new one: ALLIANCE_HOME=….")


def check_apart(apart: Path, manifest: Mapping[str, Any]) -> None:
    missing = set(manifest["field_keys"]) - set(key_ids(apart / FIELD_KEYS))
    if missing:
        raise BackupError(
            f"{apart / FIELD_KEYS} lacks keys that the backup was made with: {', '.join(sorted(missing))}."
        )


def put_back(apart: Path) -> None:
    """Never over what is there already: a file of keys that something was encrypted with can't be had again."""
    for name, path in ((FIELD_KEYS, field_keys_file()), (TOMBSTONES, tombstones_file())):
        content = read_if_there(apart / name)
        if not (apart / name).exists() or (path.exists() and path.read_bytes() == content):
            continue
        if path.exists():
            raise BackupError(f"{path} exists and is another. Nothing was restored.")
        write(path, content)
    kept = read_if_there(apart / SECRET_KEY).decode()
    if kept and not os.environ.get("SECRET_KEY"):
        embedded.keep_secret(stack.data_folder(), "secret_key", kept)


def finish() -> None:
    """The code may be newer than the backup: migrate, then what a restored database needs."""
    given = os.environ.get("DATABASE_URL")
    if given and not os.environ.get("DATABASE_OWNER_URL"):
        raise BackupError("The data are back. DATABASE_OWNER_URL is missing to bring them up to date.")
    environment = {
        "SECRET_KEY": secret_key(),
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "HTTPS": "0",
        "REDIS_URL": "redis://unused",
        "ALLIANCE_HOME": str(home_named()),
        "FIELD_KEYS_FILE": str(field_keys_file()),
        "TOMBSTONES_FILE": str(tombstones_file()),
        "STATEMENT_TIMEOUT": "3600",
        **os.environ,
    }
    if not given:
        home = stack.data_folder()
        for name, role in (("DATABASE_URL", "alliance_app"), ("DATABASE_OWNER_URL", "alliance_owner")):
            environment[name] = embedded.url_of(home, (home / "sockets").resolve(), role, "alliance")
    failed = []
    with application_command("migrate --database owner --verbosity 0", environment) as went_well:
        if not went_well:
            raise BackupError("The data are back; bringing them up to date failed, above.")
    known = set(stack.manage("help --commands", environment, stdout=subprocess.PIPE).split())
    for name in AFTER_RESTORE:
        if name in known:
            with application_command(f"{name} --skip-checks", environment) as went_well:
                if not went_well:
                    failed.append(name)
    if failed:
        raise BackupError(
            f"The data are back, and this is left to do before anybody signs in: {', '.join(failed)}. See above why."
        )


@contextmanager
def application_command(command: str, environment: dict[str, str]) -> Iterator[bool]:
    try:
        stack.manage(command, environment)
    except subprocess.CalledProcessError:
        yield False
    else:
        yield True


# --- What a database holds ------------------------------------------------------------------------------------


@contextmanager
def snapshot(url: str) -> Iterator[tuple[Any, str]]:
    """One consistent look at everything, past row-level security, without a lock that anybody would wait for."""
    connection = psycopg2.connect(url)
    try:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with connection.cursor() as cursor:
            cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
            if not cursor.fetchone()[0]:
                raise BackupError(
                    "DATABASE_BACKUP_URL must be a role that row-level security does not bind, or it would miss rows."
                )
            # As text a value must look the same wherever it is read.
            for name, value in (
                ("search_path", "public"),
                ("timezone", "UTC"),
                ("datestyle", "ISO"),
                ("intervalstyle", "postgres"),
                ("bytea_output", "hex"),
                ("extra_float_digits", "1"),
            ):
                cursor.execute("SELECT set_config(%s, %s, true)", [name, value])
            cursor.execute("SELECT pg_export_snapshot()")
            yield cursor, cursor.fetchone()[0]
    finally:
        connection.close()


def described(cursor: Any) -> dict[str, Any]:
    tables_named = f"SELECT quote_ident(relname) FROM pg_class WHERE {IN_PUBLIC} AND relkind = 'r' ORDER BY 1"  # nosec B608
    cursor.execute(tables_named)
    tables = {name: summed(cursor, name) for (name,) in cursor.fetchall()}
    structure = {}
    for kind, sql in STRUCTURE.items():
        cursor.execute(sql)
        structure[kind] = sorted(normal(line) for (line,) in cursor.fetchall())
    return {"tables": tables, "structure": structure, "versions": versions(cursor)}


def normal(line: str) -> str:
    """PostgreSQL writes a list of words in one way when it was told it, and in another when it was told that."""
    return re.sub(r"::character varying|::text|\[\]|[()]", "", line) if "::character varying" in line else line


def summed(cursor: Any, table: str) -> dict[str, Any]:
    """Rows, and the sum of both halves of each row's MD5: in any order the same, and in little memory."""
    cursor.execute(
        f"""
        SELECT count(*),
               coalesce(sum(('x' || left(hash, 16))::bit(64)::bigint), 0),
               coalesce(sum(('x' || right(hash, 16))::bit(64)::bigint), 0)
        FROM (SELECT md5(t::text) AS hash FROM {table} t) hashes
        """  # nosec B608 # the database quotes its names
    )
    rows, first, second = cursor.fetchone()
    return {"rows": rows, "checksum": f"{first}:{second}"}


def versions(cursor: Any) -> dict[str, Any]:
    cursor.execute("SELECT current_setting('server_version')")
    found: dict[str, Any] = {"postgresql": cursor.fetchone()[0]}
    cursor.execute("SELECT to_regclass('django_migrations') IS NOT NULL")
    if cursor.fetchone()[0]:
        cursor.execute("SELECT app, max(name) FROM django_migrations GROUP BY app")
        found["migrations"] = dict(cursor.fetchall())
    return found | {"python": platform.python_version(), "django": version("django")}


IN_PUBLIC = "relnamespace = 'public'::regnamespace"
STRUCTURE = {
    "relations": f"""
        SELECT format('%s %s of %s, row security %s, forced %s', relkind, relname, pg_get_userbyid(relowner),
                      relrowsecurity, relforcerowsecurity)
        FROM pg_class WHERE {IN_PUBLIC} AND relkind IN ('r', 'v', 'm', 'S', 'p')""",  # nosec B608 # IN_PUBLIC is ours
    "columns": f"""
        SELECT format('%s.%s %s, not null %s, default %s, identity %s, generated %s', relname, attname,
                      format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid), attidentity,
                      attgenerated)
        FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
        LEFT JOIN pg_attrdef d ON adrelid = attrelid AND adnum = attnum
        WHERE {IN_PUBLIC} AND relkind = 'r' AND attnum > 0 AND NOT attisdropped""",  # nosec B608 # IN_PUBLIC is ours
    "constraints": """
        SELECT format('%s %s: %s, valid %s', conrelid::regclass, conname, pg_get_constraintdef(oid), convalidated)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace""",
    "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "policies": """
        SELECT format('%s %s %s %s for %s: %s; %s', tablename, policyname, permissive, roles, cmd, qual, with_check)
        FROM pg_policies WHERE schemaname = 'public'""",
    "triggers": f"""
        SELECT format('%s, enabled %s', pg_get_triggerdef(t.oid), tgenabled)
        FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE {IN_PUBLIC} AND NOT tgisinternal""",  # nosec B608 # IN_PUBLIC is ours
    "functions": """
        SELECT format('of %s: %s', pg_get_userbyid(proowner), pg_get_functiondef(oid))
        FROM pg_proc WHERE pronamespace = 'public'::regnamespace""",
    "grants": f"""
        SELECT format('%s: %s to %s, may pass on %s', relname, privilege_type, grantee::regrole, is_grantable)
        FROM pg_class, aclexplode(coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char",
                                                              relowner)))
        WHERE {IN_PUBLIC} AND relkind IN ('r', 'v', 'm', 'S', 'p')
        UNION ALL
        SELECT format('%s.%s: %s to %s, may pass on %s', relname, attname, privilege_type, grantee::regrole,
                      is_grantable)
        FROM pg_attribute JOIN pg_class c ON c.oid = attrelid, aclexplode(attacl) WHERE {IN_PUBLIC}
        UNION ALL
        SELECT format('schema public: %s to %s, may pass on %s', privilege_type, grantee::regrole, is_grantable)
        FROM pg_namespace, aclexplode(nspacl) WHERE nspname = 'public'
        UNION ALL
        SELECT format('by default of %s on %s: %s to %s', defaclrole::regrole, defaclobjtype, privilege_type,
                      grantee::regrole)
        FROM pg_default_acl, aclexplode(defaclacl)""",  # nosec B608 # IN_PUBLIC is ours
}


def compared(saved: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """What differs, a line each, named."""
    lines = []
    for name in sorted({*saved["tables"], *found["tables"]}):
        before, after = saved["tables"].get(name), found["tables"].get(name)
        if before != after:
            lines.append(f"table {name}: {before} was saved, {after} came back")
    for kind in STRUCTURE:
        before, after = set(saved["structure"][kind]), set(found["structure"][kind])
        lines += [f"{kind}: missing: {line}" for line in sorted(before - after)]
        lines += [f"{kind}: added: {line}" for line in sorted(after - before)]
    return lines


def read_manifest(source: Path) -> dict[str, Any]:
    """Of a backup that is whole. Raises BackupError before anything is touched."""
    try:
        manifest: dict[str, Any] = json.loads((source / MANIFEST).read_text())
    except (FileNotFoundError, NotADirectoryError):
        raise BackupError(f"{source} is not a backup: it has no {MANIFEST}.") from None
    except ValueError:
        raise BackupError(f"{source / MANIFEST} is damaged.") from None
    if manifest.get("format") != FORMAT:
        raise BackupError(f"{source} was made by another version of Alliance; restore it with that one.")
    if not (source / DUMP).is_file() or sha256_of(source / DUMP) != manifest["dump"]["sha256"]:
        raise BackupError(f"{source / DUMP} is not the file that was saved: it is damaged, cut short or exchanged.")
    return manifest


# --- Which instance -------------------------------------------------------------------------------------------


@contextmanager
def database_of_instance(*, for_restore: bool = False) -> Iterator[str]:
    """The address of the database for a role that sees all rows: of the servers that are given, or of our own."""
    if os.environ.get("DATABASE_URL"):
        given = os.environ.get("DATABASE_BACKUP_URL")
        if not given:
            raise BackupError(
                "DATABASE_URL is given: give DATABASE_BACKUP_URL, too, a role that row-level security does not bind."
            )
        yield given
        return
    home = stack.data_folder()
    with ExitStack() as running:
        if stack.is_running(home):
            if for_restore:
                raise BackupError(f"Alliance is running from {home}. Stop it, or give an empty ALLIANCE_HOME.")
            yield embedded.url_of(home, (home / "sockets").resolve(), "postgres", "alliance")
            return
        if not for_restore and not (home / "postgres").exists():
            raise BackupError(f"There is nothing in {home} to save.")
        running.enter_context(stack.only_one(home))
        running.enter_context(embedded.start(home, redis=False))
        yield embedded.url_of(home, (home / "sockets").resolve(), "postgres", "alliance")


def field_keys_file() -> Path:
    return Path(os.environ.get("FIELD_KEYS_FILE") or home_named() / FIELD_KEYS)


def tombstones_file() -> Path:
    return Path(os.environ.get("TOMBSTONES_FILE") or home_named() / TOMBSTONES)


def secret_key() -> str:
    return os.environ.get("SECRET_KEY") or embedded.kept_secret(stack.data_folder(), "secret_key")


def home_named() -> Path:
    return Path(os.environ.get("ALLIANCE_HOME") or stack.BASE_DIR / ".alliance").resolve()


# --- Files and programs -----------------------------------------------------------------------------------------


def run_tool(name: str, options: list[str], url: str) -> None:
    """One of PostgreSQL's own programs. The password goes by its environment, which only this user can read."""
    packed = embedded.POSTGRES / name
    program = str(packed) if packed.exists() else shutil.which(name)
    if program is None:
        raise BackupError(f"{name} is not installed.")
    parts = parse_dsn(url)
    names = {"dbname": "PGDATABASE", "host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD"}  # nosec B105
    names |= {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT"}
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
    environment |= {names[part]: value for part, value in parts.items() if part in names}
    done = subprocess.run(  # nosec B603 # a program of PostgreSQL's, by its path, without a shell
        [program, *options], env=environment, check=False, stderr=subprocess.PIPE, text=True
    )
    if done.returncode:
        raise BackupError(f"{name} failed: {done.stderr.strip()[-2000:]}")


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def key_ids(path: Path) -> list[str]:
    """The ids alone: what a backup needs to be opened, and nothing that opens it."""
    lines = read_if_there(path).decode().splitlines()
    return [line.partition(" ")[0] for line in lines if line.strip() and not line.startswith("#")]


def read_if_there(path: Path) -> bytes:
    with suppress(FileNotFoundError):
        return path.read_bytes()
    return b""


def write(path: Path, content: bytes) -> None:
    """Whole or not at all, on the disk, and this user's alone."""
    draft = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


if __name__ == "__main__":
    main()
