"""The list of what the product is made of, against the lock that it is installed from."""

import re
from pathlib import Path

import pytest

from alliance_site import sbom

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "requirements.lock").read_text()
PACKAGES = sbom.locked(LOCK)
COMPONENTS = sbom.cyclonedx(PACKAGES)["components"]


def test_every_locked_package_is_in_it_with_its_version_and_hashes():
    assert {(part["name"], part["version"]) for part in COMPONENTS} == set(
        re.findall(r"^([^\s#=]+)==([^\s;]+)", LOCK, re.MULTILINE)
    )
    hashes = [entry["value"] for part in COMPONENTS for entry in part["properties"] if entry["name"].endswith("sha256")]
    assert sorted(hashes) == sorted(re.findall(r"sha256:([0-9a-f]{64})", LOCK))
    assert all(package.hashes for package in PACKAGES), "a package without a hash could be exchanged"


def test_every_direct_dependency_is_locked():
    declared = re.search(r"\ndependencies = \[(.*?)\n\]", (ROOT / "pyproject.toml").read_text(), re.DOTALL)[1]
    names = {name.lower() for name in re.findall(r'^  "([A-Za-z0-9._-]+)', declared, re.MULTILINE)}
    assert names <= {package.name for package in PACKAGES}


@pytest.mark.parametrize("name", sorted({package.name for package in PACKAGES}))
def test_package_has_a_licence_that_is_accepted(name):
    assert sbom.is_accepted(sbom.licence_of(name)), sbom.licence_of(name) or "unknown"


@pytest.mark.parametrize(
    "expression",
    ["", "UNKNOWN", "Proprietary", "GPL-3.0-only", "AGPL-3.0-or-later", "SSPL-1.0", "BUSL-1.1", "MIT AND GPL-2.0-only"],
)
def test_unknown_and_forbidden_licences_are_refused(expression):
    assert not sbom.is_accepted(expression)


@pytest.mark.parametrize("expression", ["MIT", "Apache-2.0 OR BSD-3-Clause", "(MIT AND Zlib) OR 0BSD"])
def test_accepted_licences_may_be_combined(expression):
    assert sbom.is_accepted(expression)


def test_a_package_that_nobody_knows_has_no_licence():
    assert sbom.licence_of("a-package-that-does-not-exist") == ""


def test_what_packages_carry_of_others_is_named_and_accepted():
    assert set(sbom.CARRIED) <= {package.name for package in PACKAGES}
    assert all(sbom.is_accepted(licence) for carried in sbom.CARRIED.values() for _, licence in carried)


def test_the_document_is_cyclonedx_and_the_same_for_the_same_lock():
    document = sbom.cyclonedx(PACKAGES)
    assert (document["bomFormat"], document["specVersion"], document["version"]) == ("CycloneDX", "1.6", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", document["serialNumber"])
    references = [part["bom-ref"] for part in document["components"]]
    assert len(references) == len(set(references))
    assert document == sbom.cyclonedx(PACKAGES)


def test_the_table_of_the_documentation_is_the_one_that_the_command_prints():
    assert sbom.table(PACKAGES) in (ROOT / "docs" / "licences.md").read_text()
