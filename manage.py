#!/usr/bin/env python
import os
import sys

# These read lines and write lines: they start without servers and without a configuration.
NEED_NOTHING = {"analyse_series"}
NOTHING = {
    "SECRET_KEY": "nothing-is-signed-by-a-command-that-only-reads-and-writes-lines",
    "ALLOWED_HOSTS": "localhost",
    "DATABASE_URL": "postgresql://nowhere.invalid/none",
    "REDIS_URL": "redis://nowhere.invalid",
}

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "alliance_site.settings")
    if len(sys.argv) > 1 and sys.argv[1] in NEED_NOTHING:
        os.environ.update(NOTHING)
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
