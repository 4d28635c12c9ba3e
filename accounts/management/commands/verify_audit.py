import time
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from accounts import chain
from jobs.actions import organisation_ids
from jobs.organisation import acting_in


class Command(BaseCommand):
    help = "Hold the audit trail of every organisation against its seals; name what was altered, removed or moved."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--heads", type=Path, help="a file that audit_heads printed, kept elsewhere")

    def handle(self, *args: Any, **options: Any) -> None:
        published = list(read_heads(options["heads"])) if options["heads"] else []
        known = {str(organisation_id) for organisation_id in organisation_ids()}
        faults = 0
        for _line, organisation, _position, _digest in published:
            if organisation not in known:
                faults += 1
                self.stdout.write(f"{organisation}: gone, and with it its chain")
        for organisation_id in organisation_ids():
            started = time.monotonic()
            with acting_in(organisation_id):
                found = list(chain.verify(organisation_id))
                heads = [head for head in published if head[1] == str(organisation_id)]
                found += filter(None, (chain.check_head(organisation_id, one[2], one[3]) for one in heads))
                now = chain.standing(organisation_id)
            for fault in found:
                self.stdout.write(f"{organisation_id}: {fault}")
            faults += len(found)
            self.stdout.write(
                f"{organisation_id}: {now.sealed} events in {now.seals} seals, {now.unsealed} not sealed "
                f"yet, {len(found)} faults, {time.monotonic() - started:.1f} s"
            )
        if faults:
            raise CommandError(f"{faults} faults: the audit trail is not as it was sealed.")


def read_heads(path: Path) -> Iterator[tuple[int, str, int, str]]:
    """Lines of: organisation, position, digest."""
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if line.strip():
            try:
                organisation, position, digest = line.split()
                yield number, organisation, int(position), digest
            except ValueError:
                raise CommandError(f"Line {number} of {path} is no head.") from None
