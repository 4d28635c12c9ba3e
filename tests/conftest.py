"""Every test runs on real engines: a PostgreSQL under the application's role and a Redis-protocol server of its own.

They start here, before Django reads its settings, unless DATABASE_URL already names some.
"""

import base64
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

import django
import pytest
from django.conf import settings
from hypothesis import settings as of_properties

from alliance_site import embedded

# How long an example takes says how busy the machine is.
of_properties.register_profile("alliance", deadline=None)
of_properties.load_profile("alliance")

HOME = Path(tempfile.mkdtemp(prefix="alliance-test-"))
# Tests undo what they write. An autovacuum in the midst of one keeps "no rows" for a full table, and plans as if so.
ENGINES = None if os.environ.get("DATABASE_URL") else embedded.start(HOME, database_settings={"autovacuum": "off"})
if ENGINES:
    os.environ.update(
        DATABASE_URL=ENGINES.database_url, DATABASE_OWNER_URL=ENGINES.owner_url, REDIS_URL=ENGINES.redis_url
    )
os.environ.setdefault("SECRET_KEY", "only-for-tests-0123456789-abcdefghijklmnopqrstuvwxyz")
os.environ.setdefault("ALLOWED_HOSTS", "testserver,127.0.0.1,localhost")
os.environ.update(
    DJANGO_SETTINGS_MODULE="alliance_site.settings", HTTPS="0", ALLIANCE_DEMO="1", ALLIANCE_HOME=str(HOME)
)
os.environ.update(PUBLIC_URL="https://testserver", SMTP_URL="", MAIL_FROM="")
os.environ["STATEMENT_TIMEOUT"] = "30"
django.setup()
# Hashing and compressing static files is the business of tests/stack; here they are served as they are.
settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
settings.STATIC_ROOT.mkdir()
settings.FIELD_KEYS_FILE.write_text(f"tests {base64.b64encode(os.urandom(32)).decode()}\n")
settings.PASSWORD_HASHERS = ["tests.hashing.QuickArgon2"]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes():
    """`pytest -n 2`: each worker starts engines of its own, so it must not inherit where these are."""
    for name in ("DJANGO_SETTINGS_MODULE", "DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"):
        os.environ.pop(name, None)


def pytest_unconfigure(config):
    if ENGINES:
        ENGINES.stop()
    shutil.rmtree(HOME, ignore_errors=True)


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("django_db"):
            item.add_marker(pytest.mark.django_db(databases=["default", "limits"]), append=False)


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker):
    """The owner migrates; the tests then work as the application's role in that same database."""
    from django.core.management import call_command

    with django_db_blocker.unblock():
        call_command("migrate", database="owner", verbosity=0)
    yield
    from django.db import connections

    with django_db_blocker.unblock():
        connections.close_all()


@contextmanager
def emptied_afterwards(django_db_blocker):
    """A database in which transactions really commit, emptied by its owner afterwards."""
    from django.db import connections

    with django_db_blocker.unblock():
        yield
        for connection in connections.all():
            connection.close()
        with connections["owner"].cursor() as cursor:
            cursor.execute(
                "SELECT string_agg(format('%I', tablename), ', ') FROM pg_tables "
                "WHERE schemaname = 'public' AND tablename NOT IN ('django_migrations', 'django_content_type')"
            )
            cursor.execute(f"TRUNCATE {cursor.fetchone()[0]} CASCADE")
        connections["owner"].close()


@pytest.fixture
def committed(django_db_setup, django_db_blocker):
    with emptied_afterwards(django_db_blocker):
        yield


@pytest.fixture
def service(db):
    """A service with its people, as `tests/factories.py` draws it; the test acts inside it."""
    from jobs.organisation import acting_in
    from tests import factories

    service = factories.make_service()
    with acting_in(service.organisation.pk):
        yield service


@pytest.fixture
def other_service(db):
    """A second service, always there to be kept out."""
    from tests import factories

    return factories.make_service(name="Elsewhere", slug="elsewhere", domain="elsewhere.example")


@pytest.fixture
def browser_of():
    """Signs a person in and returns their browser. Around each request the test's own organisation stays set."""
    from tests import factories

    def sign_in(person=None):
        browser = factories.Browser()
        if person is not None:
            browser.sign_in(person)
        return browser

    return sign_in


@pytest.fixture
def many_rows(db):
    """For a test with long lists: what it writes it never commits, so PostgreSQL counts no rows and would join them
    one by one."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off")
