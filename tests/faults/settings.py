"""The product's settings as the harness runs it: static files as they are, quick passwords, the rest as it is."""

from alliance_site.settings import *  # noqa: F403
from alliance_site.settings import STORAGES

STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
PASSWORD_HASHERS = ["tests.hashing.QuickArgon2"]
