#!/usr/bin/env python
import os
import sys
from importlib import import_module

# These read lines and write lines by rules alone: they need no settings, no database and no queue, and start at once.
ALONE = ("score_answers", "analyse_series")

if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in ALONE:
        from django.conf import settings

        settings.configure()
        import_module(f"measures.management.commands.{sys.argv[1]}").Command().run_from_argv(sys.argv)
    else:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "alliance_site.settings")
        from django.core.management import execute_from_command_line

        execute_from_command_line(sys.argv)
