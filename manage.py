#!/usr/bin/env python
import os
import sys

if __name__ == "__main__":
    if sys.argv[1:2] == ["score_answers"]:
        # Rules alone: it works where there are no settings, no database and no queue, and starts at once.
        from django.conf import settings

        from measures.management.commands.score_answers import Command

        settings.configure()
        Command().run_from_argv(sys.argv)
    else:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "alliance_site.settings")
        from django.core.management import execute_from_command_line

        execute_from_command_line(sys.argv)
