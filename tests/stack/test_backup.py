"""The drill: an instance is filled, backed up while it runs, and restored where nothing was. And what is refused."""

import http.cookiejar
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

import psycopg2
import pytest

from alliance_site import backup, embedded
from tests.stack.test_stack import Product

pytestmark = pytest.mark.stack

ROOT = Path(__file__).resolve().parents[2]
# The demo's clients and one erased by nobody; saved twice, while the servers run and after they have stopped.
FILL = """
import os, subprocess, sys
from alliance_site import stack
home = stack.data_folder()
with stack.only_one(home), stack.running_engines(home) as engines:
    environment = stack.application_environment(home, engines, demo=True, port="0")
    environment["STATEMENT_TIMEOUT"] = "60"
    stack.manage("migrate --database owner --verbosity 0", environment | {"DATABASE_OWNER_URL": engines.owner_url})
    stack.manage("rotate_field_keys --if-none --skip-checks", environment)
    load = [sys.executable, "manage.py", "shell", "-v0", "-c", "from dashboards import demo; demo.load()"]
    subprocess.run(load, env=environment, check=True)
    subprocess.run([sys.executable, "-m", "alliance_site.backup", "backup", *sys.argv[1:]], check=True)
"""


def run(*arguments, home, **environment):
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=ROOT,
        env=inherited | {"ALLIANCE_HOME": str(home)} | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def restore(source, home, *options, **environment):
    return run("-m", "alliance_site.backup", "restore", "--from", source, *options, home=home, **environment)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("drill")


@pytest.fixture(scope="module")
def saved(folder):
    """The folder of a backup that was taken while the servers ran; beside it, apart, its keys."""
    done = run("-c", FILL, "--to", folder / "backups", "--apart", folder / "apart", home=folder / "filled")
    assert done.returncode == 0, done.stdout
    (found,) = (folder / "backups").iterdir()
    return found


@pytest.fixture(scope="module")
def restored(folder, saved):
    """The data folder of a new instance, and the minutes that it took to fill it."""
    began = time.monotonic()
    done = restore(saved, folder / "restored", "--apart", folder / "apart")
    assert done.returncode == 0, done.stdout
    return folder / "restored", (time.monotonic() - began) / 60


# --- The drill ------------------------------------------------------------------------------------------


def counted(home):
    """Rows and a checksum of every table, in another way than the backup's own; and what protects them."""
    with embedded.start(home, redis=False) as engines:
        connection = psycopg2.connect(engines.superuser_url.replace("/postgres?", "/alliance?"))
        with connection, connection.cursor() as cursor:

            def rows(sql):
                cursor.execute(sql)
                return cursor.fetchall()

            tables = [name for (name,) in rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
            found = {
                "rows": {
                    name: rows(
                        f"SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text COLLATE \"C\")) FROM {name} t"
                    )
                    for name in tables
                },
                "forced": rows(
                    "SELECT relname FROM pg_class WHERE relforcerowsecurity AND relrowsecurity ORDER BY relname"
                ),
                "policies": rows("SELECT tablename, policyname, qual FROM pg_policies ORDER BY tablename"),
                "triggers": rows(
                    "SELECT pg_get_triggerdef(oid), tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1"
                ),
                "constraints": rows(
                    "SELECT conrelid::regclass::text, conname, contype, convalidated FROM pg_constraint"
                    " WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2"
                ),
                "grants": rows(
                    "SELECT table_name, grantee, privilege_type FROM information_schema.role_table_grants"
                    " WHERE table_schema = 'public' ORDER BY 1, 2, 3"
                ),
                "owners": rows("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"),
                "sequences": rows("SELECT sequencename FROM pg_sequences ORDER BY 1"),
            }
        connection.close()
    return found


def test_every_row_and_everything_that_protects_it_comes_back(folder, restored, capsys):
    home, minutes = restored
    before, after = counted(folder / "filled"), counted(home)
    assert after.keys() == before.keys()
    for part, found in before.items():
        assert after[part] == found and found, part
    assert after["owners"] == [("alliance_owner",)]
    assert len(after["forced"]) > 40
    rows = sum(table[0][0] for table in after["rows"].values())
    with capsys.disabled():
        sys.stdout.write(f"\n{rows:,} rows of {len(after['rows'])} tables restored in {minutes:.1f} minutes\n")
    assert minutes < 15


def test_the_restored_instance_shows_a_signed_in_page_and_opens_process_notes(restored):
    home, _ = restored
    product = Product(
        home, command=[sys.executable, "-m", "alliance_site.stack", "run"], log=home.with_suffix(".run.log")
    )
    try:
        product.wait_until_up()
        browser = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        )
        address = f"http://127.0.0.1:{product.port}"
        form = browser.open(f"{address}/sign-in/").read().decode()
        answer = {
            "login": "therapist@demo.example",
            "password": "alliance-demo-1",
            "csrfmiddlewaretoken": re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)[1],
        }
        browser.open(f"{address}/sign-in/", urllib.parse.urlencode(answer).encode())
        clients = browser.open(f"{address}/clients/").read().decode()
        episode = re.search(r'href="(/episodes/[0-9a-f-]{36}/)"', clients)[1]
        page = browser.open(address + episode)
        assert page.status == 200 and "Goal" in page.read().decode()
        # A link that was shown before is still the same link: the key that signs it came back, too.
        assert json.loads((home / "secrets.json").read_text())["secret_key"]
    finally:
        product.stop()


def test_a_text_that_was_encrypted_is_opened_by_the_keys_that_were_kept_apart(folder, restored):
    home, _ = restored
    assert (home / "field.keys").read_bytes() == (folder / "filled" / "field.keys").read_bytes()
    secrets = [json.loads((place / "secrets.json").read_text())["secret_key"] for place in (folder / "filled", home)]
    assert secrets[0] == secrets[1]


# --- What a backup is -----------------------------------------------------------------------------------


def test_a_backup_is_its_owners_alone_and_holds_no_key(folder, saved):
    assert stat.S_IMODE(saved.stat().st_mode) == 0o700
    assert {path.name for path in saved.iterdir()} == {"database.dump", "manifest.json"}
    for path in (*saved.iterdir(), *(folder / "apart").iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    key = (folder / "apart" / "field.keys").read_text().split()[1]
    secret = (folder / "apart" / "secret_key").read_text()
    for path in saved.iterdir():
        assert key.encode() not in path.read_bytes() and secret.encode() not in path.read_bytes()


def test_the_manifest_says_what_is_in_it_and_with_which_versions(saved):
    manifest = json.loads((saved / "manifest.json").read_text())
    assert manifest["tables"]["clients_client"]["rows"] > 10
    assert manifest["versions"]["postgresql"].startswith("18.")
    assert manifest["versions"]["migrations"]["clients"] >= "0009"
    assert len(manifest["field_keys"]) == 1
    assert any("forced t" in line for line in manifest["structure"]["relations"])


# --- What is refused ------------------------------------------------------------------------------------


def test_nothing_is_restored_over_data(folder, saved, restored):
    home, _ = restored
    done = restore(saved, home, "--apart", folder / "apart")
    assert done.returncode == 1
    assert "This instance is not empty, so nothing was restored" in done.stdout


@pytest.fixture
def copy(saved, tmp_path):
    return Path(shutil.copytree(saved, tmp_path / "copy"))


def test_a_damaged_dump_is_refused_before_anything_is_touched(copy, tmp_path):
    content = bytearray((copy / "database.dump").read_bytes())
    content[len(content) // 2] ^= 1
    (copy / "database.dump").write_bytes(content)
    done = restore(copy, tmp_path / "new")
    assert done.returncode == 1 and "is not the file that was saved" in done.stdout
    assert not (tmp_path / "new" / "postgres").exists()


@pytest.mark.parametrize("missing", ["manifest.json", "database.dump"])
def test_half_a_backup_is_refused(copy, tmp_path, missing):
    (copy / missing).unlink()
    assert restore(copy, tmp_path / "new").returncode == 1
    assert not (tmp_path / "new" / "postgres").exists()


def test_keys_that_do_not_open_the_backup_are_refused(copy, tmp_path):
    (tmp_path / "apart").mkdir()
    (tmp_path / "apart" / "field.keys").write_text("another AAAA\n")
    done = restore(copy, tmp_path / "new", "--apart", tmp_path / "apart")
    assert done.returncode == 1 and "lacks keys that the backup was made with" in done.stdout


def test_keys_are_not_put_beside_the_backups(folder, saved):
    arguments = ("--to", folder / "backups", "--apart", folder / "backups" / "keys")
    done = run("-m", "alliance_site.backup", "backup", *arguments, home=folder / "filled")
    assert done.returncode == 1 and "Keys that lie beside a backup protect nothing" in done.stdout


def test_a_role_that_sees_some_rows_only_makes_no_backup(folder, saved):
    with embedded.start(folder / "filled", redis=False) as engines:
        done = run(
            *("-m", "alliance_site.backup", "backup", "--to", folder / "of-the-owner"),
            home=folder / "filled",
            DATABASE_URL=engines.database_url,
            DATABASE_BACKUP_URL=engines.owner_url,
        )
    assert done.returncode == 1 and "a role that row-level security does not bind" in done.stdout
    assert not list((folder / "of-the-owner").glob("*Z"))


# --- Rules of it ----------------------------------------------------------------------------------------


def described(**tables):
    lines = {kind: [f"one of the {kind}"] for kind in backup.STRUCTURE}
    return {"tables": {name: {"rows": rows, "checksum": "1:1"} for name, rows in tables.items()}, "structure": lines}


def test_what_differs_is_named():
    saved, found = described(client=2, note=5), described(client=2, note=4)
    found["structure"]["policies"] = []
    found["structure"]["grants"] = [*found["structure"]["grants"], "note: DELETE to alliance_app"]
    lines = backup.compared(saved, found)
    assert [line.split(":")[0] for line in lines] == ["table note", "policies", "grants"]
    assert "missing: one of the policies" in lines[1] and "added: note: DELETE" in lines[2]
    assert backup.compared(saved, saved) == []


@pytest.fixture
def managed(monkeypatch, tmp_path):
    """The management commands that a restore runs, of those that a version has; the named ones fail."""
    ran = []

    def pretend(*, has, fails=()):
        def manage(command, environment, stdout=None):
            name = command.split()[0]
            ran.append(name)
            if name in fails:
                raise subprocess.CalledProcessError(1, ["manage.py", name])
            return "\n".join(["migrate", *has])

        monkeypatch.setattr("alliance_site.stack.manage", manage)
        monkeypatch.setenv("DATABASE_URL", "postgresql:///unused")
        monkeypatch.setenv("DATABASE_OWNER_URL", "postgresql:///unused")
        monkeypatch.setenv("SECRET_KEY", "unused")
        return ran

    return pretend


def test_after_a_restore_the_commands_that_exist_are_run_in_their_order(managed):
    ran = managed(has=list(reversed(backup.AFTER_RESTORE)))
    backup.finish()
    assert ran == ["migrate", "help", *backup.AFTER_RESTORE]


def test_commands_that_this_version_lacks_are_left_out(managed):
    ran = managed(has=[])
    backup.finish()
    assert ran == ["migrate", "help"]


def test_a_command_that_fails_after_a_restore_is_left_to_do_and_the_others_still_run(managed):
    ran = managed(has=backup.AFTER_RESTORE, fails=[backup.AFTER_RESTORE[0]])
    with pytest.raises(backup.BackupError, match=f"left to do before anybody signs in: {backup.AFTER_RESTORE[0]}"):
        backup.finish()
    assert ran[-1] == backup.AFTER_RESTORE[-1]
