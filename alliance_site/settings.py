"""One settings file. What differs between machines comes from the environment and is checked here."""

import logging
import os
import re
import sys
import traceback
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import dj_database_url
import structlog
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent


def env(name: str, default: str | None = None) -> str:
    value = os.environ.get(name, default)
    if value is None or (default is None and not value.strip()):
        raise ImproperlyConfigured(f"Set the environment variable {name}; .env.sample describes it.")
    return value


def env_flag(name: str, *, default: bool) -> bool:
    value = os.environ.get(name, "1" if default else "0")
    if value not in {"0", "1"}:
        raise ImproperlyConfigured(f"{name} must be 0 or 1, not {value!r}.")
    return value == "1"


def env_seconds(name: str, default: int) -> int:
    value = os.environ.get(name, str(default))
    if not value.isdigit() or int(value) < 1:
        raise ImproperlyConfigured(f"{name} must be a whole number above 0, not {value!r}.")
    return int(value)


def env_origin(name: str) -> str:
    """Scheme and host of a site, or nothing."""
    value = env(name, "").strip().removesuffix("/")
    parts = urlsplit(value)
    is_origin = parts.scheme in {"http", "https"} and parts.hostname and value == f"{parts.scheme}://{parts.netloc}"
    if value and not is_origin:
        raise ImproperlyConfigured(f"{name} must be like https://alliance.example, not {value!r}.")
    return value


DEBUG = env_flag("DEBUG", default=False)
DEMO = env_flag("ALLIANCE_DEMO", default=False)
HTTPS = env_flag("HTTPS", default=True)
SECRET_KEY = env("SECRET_KEY")
if len(SECRET_KEY) < 50 or len(set(SECRET_KEY)) < 5:
    raise ImproperlyConfigured("SECRET_KEY must be at least 50 characters and random.")
if re.search("django-insecure|change-?_?me", SECRET_KEY, re.IGNORECASE):
    raise ImproperlyConfigured("SECRET_KEY is the one of a sample. Make your own; .env.sample says how.")
ALLOWED_HOSTS = [host.strip() for host in env("ALLOWED_HOSTS").split(",")]
if not all(ALLOWED_HOSTS):
    raise ImproperlyConfigured("ALLOWED_HOSTS must be names separated by single commas, without an empty one.")
# Names by which only this machine reaches the service, and the name that tests use.
ONLY_HERE = re.compile(r"localhost|[\w-]+\.localhost|127(\.\d{1,3}){3}|\[::1\]|testserver")
IS_REACHED_FROM_OUTSIDE = not all(ONLY_HERE.fullmatch(host) for host in ALLOWED_HOSTS)
if DEBUG and IS_REACHED_FROM_OUTSIDE:
    raise ImproperlyConfigured(
        "DEBUG shows settings, source and what people typed to whoever meets an error. It must be 0 where "
        "ALLOWED_HOSTS has a name other than localhost."
    )
if not HTTPS and IS_REACHED_FROM_OUTSIDE and not DEMO:
    raise ImproperlyConfigured(
        "HTTPS must be 1 where ALLOWED_HOSTS has a name other than localhost: passwords and answers would cross the "
        "network as they are. A proxy speaks TLS (docs/operations.md)."
    )
BEHIND_PROXY = env_flag("BEHIND_PROXY", default=False)
HOME = Path(env("ALLIANCE_HOME", str(BASE_DIR / ".alliance")))
FIELD_KEYS_FILE = Path(env("FIELD_KEYS_FILE", str(HOME / "field.keys")))
# What was erased, for whoever restores a backup from before.
TOMBSTONES_FILE = Path(env("TOMBSTONES_FILE", str(HOME / "tombstones.jsonl")))
APP_ROLE = env("ALLIANCE_APP_ROLE", "alliance_app")
STATEMENT_TIMEOUT = env_seconds("STATEMENT_TIMEOUT", 5)
METRICS_TOKEN = env("METRICS_TOKEN", "")
if METRICS_TOKEN and len(METRICS_TOKEN) < 32:
    raise ImproperlyConfigured("METRICS_TOKEN must be at least 32 characters and random, or empty.")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "rest_framework",
    "drf_spectacular",
    "csp",
    "django_htmx",
    "jobs",
    "accounts",
    "clients",
    "sessions_app",
    "measures",
    "ruptures",
    "dashboards",
    "supervision",
    "reports",
    "administration",
]

MIDDLEWARE = [
    "alliance_site.logs.RequestLogMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "accounts.middleware.PrivateHeadersMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "alliance_site.errors.NotAllowedMiddleware",
    "alliance_site.errors.Utf8Middleware",
    "django.middleware.common.CommonMiddleware",
    "accounts.middleware.HealthMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.middleware.OrganisationMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.TokenMiddleware",
    "accounts.middleware.SessionLimitsMiddleware",
    "accounts.middleware.HandedOverMiddleware",
    "accounts.middleware.SecondStepMiddleware",
    "accounts.middleware.AccessMiddleware",
    "alliance_site.errors.ClosedTextMiddleware",
]

ROOT_URLCONF = "alliance_site.urls"
WSGI_APPLICATION = "alliance_site.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.context.page",
            ],
        },
    },
]
FORM_RENDERER = "accounts.forms.Renderer"

# --- Database -----------------------------------------------------------------------------------
# `default` is the application's role, which row-level security binds. `owner` exists only where
# DATABASE_OWNER_URL is given: for migrations, and for the flush after a test. `limits` is a second
# connection of the application's role for counters that must survive a rolled-back request.


def database(url: str) -> dict[str, object]:
    config = dict(dj_database_url.parse(url, conn_max_age=600, conn_health_checks=True))
    if config.get("ENGINE") != "django.db.backends.postgresql":
        raise ImproperlyConfigured("The database must be PostgreSQL (postgresql://…).")
    return config


def with_timeouts(config: dict[str, object], statement_seconds: int) -> dict[str, object]:
    options = dict(config.get("OPTIONS") or {})  # type: ignore[call-overload]
    # Solid-state disks: without this, a join of a few hundred rows reads whole tables rather than their indexes.
    planner = "-c random_page_cost=1.1"
    options["options"] = f"-c statement_timeout={statement_seconds * 1000} -c lock_timeout=1000 {planner}"
    return {**config, "OPTIONS": options}


APPLICATION_DATABASE = with_timeouts(database(env("DATABASE_URL")), STATEMENT_TIMEOUT)
DATABASES = {"default": APPLICATION_DATABASE, "limits": {**APPLICATION_DATABASE, "TEST": {"MIRROR": "default"}}}
if os.environ.get("DATABASE_OWNER_URL"):
    DATABASES["owner"] = {**database(env("DATABASE_OWNER_URL")), "TEST": {"MIRROR": "default"}}
DATABASE_ROUTERS = ["jobs.routers.Limits"]

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "jobs_limit",
        "OPTIONS": {"MAX_ENTRIES": 200_000},
    },
}

# --- People ---------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.OrganisationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "accounts.passwords.LengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
PASSWORD_RESET_TIMEOUT = int(timedelta(days=3).total_seconds())
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "accounts.backends.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_EMAIL_NOTIFICATIONS = False
ACCOUNT_LOGIN_ON_PASSWORD_RESET = False
# By address of the machine alone: failures against a person from elsewhere must not lock that person out.
ACCOUNT_RATE_LIMITS = {"login": "120/m/ip", "login_failed": "20/5m/ip"}
# Behind one proxy the machine is the last entry of X-Forwarded-For, which the proxy adds; behind two the last but one.
# Behind none the header is ignored: whoever signs in could have written it.
ALLAUTH_TRUSTED_PROXY_COUNT = env_seconds("TRUSTED_PROXIES", 1) if BEHIND_PROXY else 0

# The second step of sign-in. A code counts in the half minute before and after its own, for phones whose clock is off;
# `accounts.second_factor` lets each count once.
MFA_ADAPTER = "accounts.second_factor.Adapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "Alliance"
MFA_TOTP_TOLERANCE = 1
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS
MFA_FORMS = {
    "authenticate": "accounts.second_factor.SecondStepForm",
    "reauthenticate": "accounts.second_factor.SecondStepAgainForm",
    "activate_totp": "accounts.second_factor.SetUpAppForm",
    "add_webauthn": "accounts.second_factor.AddPasskeyForm",
}
# How long a sign-in, or a password given once more, counts for what is asked for again: process notes, roles, factors.
ACCOUNT_REAUTHENTICATION_TIMEOUT = env_seconds("REAUTHENTICATION_SECONDS", 900)

# A session ends after so long without anything being asked for by hand, and so long after sign-in whatever is done.
SESSION_IDLE_SECONDS = env_seconds("SESSION_IDLE_SECONDS", 1800)
SESSION_LONGEST_SECONDS = env_seconds("SESSION_LONGEST_SECONDS", 43_200)
SESSION_ENGINE = "alliance_site.sessions"
SESSION_COOKIE_AGE = SESSION_LONGEST_SECONDS
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# --- Transport and headers --------------------------------------------------------------------------
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "alliance_site.errors.csrf_failure"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
# Four fields for each column of a file with 2,000 of them.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000
# The first stops what is larger than any file that can be read before it fills the disk.
FILE_UPLOAD_HANDLERS = [
    "reports.http.StopTooLarge",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

# The two hashes are the empty style element that Plotly creates and the one it fills.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [
            SELF,
            "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
            "'sha256-ji27qzEtxXZW+7dun6UwjHXJ18e6WAin1VvNtkzIE/o='",
        ],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}

# --- Static files -------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = HOME / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "dashboards.plotly_bundle.PlotlyFinder",
]
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# --- Words and time ------------------------------------------------------------------------------------
LANGUAGE_CODE = "en-gb"
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

# --- Background work -------------------------------------------------------------------------------------
CELERY_BROKER_URL = env("REDIS_URL")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_TIME_LIMIT = 60
CELERY_TASK_SOFT_TIME_LIMIT = 50
CELERY_TASK_PUBLISH_RETRY = False
# Workers take from all in turn: the steps of an import do not wait behind the trends of thousands of episodes, nor
# does anything behind a mail server that is slow.
CELERY_TASK_QUEUES = {name: {"exchange": name, "routing_key": name} for name in ("celery", "imports", "mail")}
CELERY_TASK_ROUTES = {
    "measures.send_invitation": {"queue": "mail"},
    "reports.tell_export_ready": {"queue": "mail"},
    "reports.*": {"queue": "imports"},
}
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 3.0
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 180,
    "socket_timeout": 1.0,
    "socket_connect_timeout": 1.0,
    "max_retries": 0,
}
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "heartbeat": {"task": "jobs.start_period", "schedule": 60.0, "args": ["sweep", 60]},
    "summaries": {"task": "jobs.start_period", "schedule": 60.0, "args": ["summaries", 60]},
    # Once an hour; asked for more often, as a beat that was started again counts from then.
    "housekeeping": {"task": "jobs.start_period", "schedule": 300.0, "args": ["housekeeping", 3600]},
    "old-files": {"task": "jobs.start_period", "schedule": 300.0, "args": ["old-files", 3600]},
    "priors": {"task": "jobs.start_period", "schedule": 300.0, "args": ["priors", 86400]},
    "risk": {"task": "jobs.start_period", "schedule": 60.0, "args": ["risk", 120]},
    "invitations": {"task": "jobs.start_period", "schedule": 60.0, "args": ["invitations", 300]},
    "service": {"task": "jobs.start_period", "schedule": 300.0, "args": ["service", 86400]},
    "retention": {"task": "jobs.start_period", "schedule": 300.0, "args": ["retention", 86400]},
    "audit": {"task": "jobs.start_period", "schedule": 60.0, "args": ["audit", 60]},
    "audit-check": {"task": "jobs.start_period", "schedule": 300.0, "args": ["audit-check", 86400]},
}

# --- E-mail ------------------------------------------------------------------------------------------------
# Links in e-mails are made where there is no request to take the address from.
PUBLIC_URL = env_origin("PUBLIC_URL")
if HTTPS and PUBLIC_URL.startswith("http://"):
    raise ImproperlyConfigured("PUBLIC_URL must start with https:// where HTTPS is 1.")


def env_mail_server(name: str) -> SplitResult | None:
    """smtp:// is with STARTTLS, smtps:// with TLS from the start, smtp+plain:// with neither; errors quote nothing."""
    given = env(name, "")
    try:
        parts = urlsplit(given)
        is_whole = parts.scheme in {"smtp", "smtps", "smtp+plain"} and parts.hostname and parts.port
    except ValueError:
        is_whole = False
    if given and not is_whole:
        raise ImproperlyConfigured(f"{name} must be like smtp://user:password@host:587; .env.sample describes it.")
    return parts if given else None


# Without a server e-mails of the demo land in a folder, and others are not sent.
smtp = env_mail_server("SMTP_URL")
DEFAULT_FROM_EMAIL = env("MAIL_FROM", "") or ("no-reply@demo.example" if DEMO and not smtp else "")
if bool(smtp) != bool(DEFAULT_FROM_EMAIL) and not DEMO:
    raise ImproperlyConfigured("Give both SMTP_URL and MAIL_FROM, or neither.")
EMAIL_BACKEND = "alliance_site.mail.FolderBackend"
EMAIL_FILE_PATH = HOME / "mail"
if smtp:
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST, EMAIL_PORT = smtp.hostname, smtp.port
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = unquote(smtp.username or ""), unquote(smtp.password or "")
    EMAIL_USE_TLS, EMAIL_USE_SSL = smtp.scheme == "smtp", smtp.scheme == "smtps"
    EMAIL_TIMEOUT = 10
if DEFAULT_FROM_EMAIL and not re.fullmatch(r"[\w.+-]+@[\w.-]+", DEFAULT_FROM_EMAIL, re.ASCII):
    raise ImproperlyConfigured("MAIL_FROM must be an address alone, like no-reply@alliance.example.")

# --- Reading data -----------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.access.RefuseEverybody"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "accounts.api.schema.Schema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Alliance",
    "DESCRIPTION": "What the pages show and take, for programs. docs/api.md is the guide.",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "SERVE_INCLUDE_SCHEMA": False,
    "ENABLE_DJANGO_DEPLOY_CHECK": False,
    # Other keys in a body are left out of account, so nothing is promised about them.
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "SignalStateEnum": "ruptures.models.State",
        "RuptureStateEnum": "ruptures.api.STATES",
        "ReasonEnum": "ruptures.models.Reason",
        "RuptureReasonEnum": "ruptures.api.REASONS",
        "LinkStateEnum": "measures.api.LINK_STATES",
    },
    "PREPROCESSING_HOOKS": ["accounts.api.schema.only_the_api"],
}

# --- Logs: JSON lines with an allow-list of keys, no personal data ------------------------------------------
LOG_KEYS = frozenset(
    {
        "event",
        "level",
        "timestamp",
        "logger",
        "job",
        "task",
        "organisation",
        "attempts",
        "error",
        "place",
        "count",
        "route",
        "status",
        "request",
        "method",
        "milliseconds",
        "why",
    }
)


def place_of(error: BaseException) -> str:
    """File and line of the innermost frame that is our own."""
    own = ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(BASE_DIR) and "site-packages" not in path.parts:
            own = f"{path.relative_to(BASE_DIR)}:{line}"
    return own


def describe_exception(_logger: object, _method: str, event: dict[str, object]) -> dict[str, object]:
    """Of what broke: its kind, the page's name and the place. Its message and its values may quote a person."""
    exc_info = event.get("exc_info")
    error = exc_info[1] if isinstance(exc_info, tuple) else None
    if not isinstance(error, BaseException):
        return event
    match = getattr(getattr(event.get("_record"), "request", None), "resolver_match", None)
    if isinstance(error, ImproperlyConfigured):
        event["why"] = str(error)  # of the service's settings, and for whoever runs it
    return {
        **event,
        "error": type(error).__qualname__,
        "place": place_of(error),
        "route": (match.view_name if match else "") or "",
    }


def without_what_was_filled_in(_logger: object, _method: str, event: dict[str, object]) -> dict[str, object]:
    """Of a line of another package, its text as it stands in the source: what is filled in may quote a person.

    One that comes filled in is withheld; where it was written leads to it.
    """
    record, filled_in = event.get("_record"), event.pop("positional_args", None)
    if event.get("_from_structlog") or not isinstance(record, logging.LogRecord):
        return event
    if record.name == "django.request":
        # Django ends these messages with the path, and a path may hold a link's token.
        event["event"] = str(event["event"]).split(":")[0]
    elif not record.name.startswith("alliance_site."):
        event["event"] = str(record.msg) if filled_in else "text withheld"
        place = "/".join(Path(record.pathname).parts[-2:])
        event["place"] = event.get("place") or f"{place}:{record.lineno}"
    return event


def only_allowed_keys(_logger: object, _method: str, event: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in event.items() if key in LOG_KEYS}


LOG_PROCESSORS: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
structlog.configure(
    processors=[*LOG_PROCESSORS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "pass_foreign_args": True,  # nosec B105 # no password
            "processors": [
                describe_exception,
                without_what_was_filled_in,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                only_allowed_keys,
                structlog.processors.JSONRenderer(),
            ],
            "foreign_pre_chain": LOG_PROCESSORS,
        },
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json", "stream": sys.stderr}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", "WARNING")},
    "loggers": {
        # Without Django's own: one mails what broke with all its values, one writes paths as they are.
        "django": {"handlers": [], "level": "NOTSET"},
        "django.request": {"level": "ERROR"},
        "django.db.backends": {"level": "WARNING"},
        "celery": {"level": "WARNING"},
    },
}
