"""Clients beside the `openstack` command, unmodified: the openstack.cloud collection of Ansible,
openstacksdk, and Apache Libcloud. Each makes what a user makes, and leaves nothing."""

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from .clouds import BIN, HOUSE, Person, member, run, wait

# Once is enough: the services are the same in every topology.
pytestmark = [
    pytest.mark.lab,
    pytest.mark.parametrize("cloud", ["allinone"], indirect=True, scope="session"),
]
BOOK = Path(__file__).parent / "client_files" / "openstack_cloud.yml"
NAME = "by-a-client"
# Where what clients make is kept. A project's group `default` outlives it, as upstream's does.
KEPT = {
    "keystone": ["projects", "users"], "glance": ["images where deleted_at is null"],
    "neutron": ["networks", "subnets", "ports", "routers", "floatingips",
                "security_groups where name != 'default'"],
    "nova": ["servers where not deleted"],
}


@pytest.fixture(scope="module")
def clients(tmp_path_factory):
    """A folder with the clients of requirements/clients.txt, beside what the tests have. Of
    `ansible`, which is half a gigabyte, only the collection."""
    folder, wheels = tmp_path_factory.mktemp("clients"), tmp_path_factory.mktemp("wheels")
    run(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes",
        "--only-binary", ":all:", "--dest", str(wheels), "-r", "requirements/clients.txt")
    for wheel in wheels.iterdir():
        only = "ansible_collections/openstack/" if wheel.name.startswith("ansible-") else ""
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder, [n for n in archive.namelist() if n.startswith(only)])
    (folder / "ansible.cfg").touch()  # None of ours.
    return folder


@pytest.fixture(scope="module")
def image(admin, tmp_path_factory):
    path = tmp_path_factory.mktemp("image") / "guest.qcow2"
    admin.openstack("image", "save", "--file", str(path), "cairn-guest")
    return path


@pytest.fixture(scope="module")
def public_key(tmp_path_factory):
    path = tmp_path_factory.mktemp("key") / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path.with_suffix(".pub")


@pytest.fixture
def nothing_left(cloud):
    """What the tests make is gone afterwards."""
    def there():
        return {f"{schema}.{rows}": cloud.sql(schema, f"select id from {rows} order by id")
                for schema, whats in KEPT.items() for rows in whats}

    before = there()
    yield
    wait("nothing is left", lambda: there() == before, 30)


@pytest.mark.usefixtures("nothing_left")
def test_ansibles_collection_makes_it_once_and_takes_it_away(admin, clients, image, public_key):
    os_ = {name.removeprefix("OS_").lower(): value for name, value in admin.environment.items()
           if name.startswith("OS_")}
    variables = {
        "label": "by-ansible", "password": "Some-Secret-1", "image_file": str(image),
        "public_key_file": str(public_key), "ca_file": os_["cacert"],
        "admin": {name: os_[name] for name in (
            "auth_url", "username", "password", "project_name", "user_domain_name",
            "project_domain_name")},
        "ansible_python_interpreter": sys.executable,
    }
    environment = {name: value for name, value in admin.environment.items()
                   if not name.startswith("OS_")} | {
        "PYTHONPATH": str(clients), "ANSIBLE_COLLECTIONS_PATH": str(clients),
        "ANSIBLE_CONFIG": str(clients / "ansible.cfg"), "ANSIBLE_LOCALHOST_WARNING": "false"}

    def play(tags: str) -> int:
        """Run the playbook's part; how many tasks changed something."""
        out = run(str(BIN / "ansible-playbook"), "--tags", tags, "--extra-vars",
                  json.dumps(variables), str(BOOK), env=environment)
        return int(re.search(r"changed=(\d+)", out)[1])

    assert [play("present") for _ in range(2)] == [12, 0]
    assert [play("absent") for _ in range(2)] == [7, 0]
    assert [play("remove") for _ in range(2)] == [2, 0]


@pytest.fixture
def dora(admin):
    """A member of a project of its own."""
    yield member(admin, NAME, NAME)
    admin.openstack("user", "delete", NAME)
    admin.openstack("project", "delete", NAME)


def python(person: Person, script: str, *words: str, **environment: str) -> str:
    return run(sys.executable, str(HOUSE / "tests/system/client_files" / script), *words,
               env=person.environment | environment)


@pytest.mark.usefixtures("nothing_left")
def test_the_sdk_makes_a_server_that_is_reached_and_takes_all_away(dora, image, public_key):
    said = python(dora, "by_sdk.py", NAME, str(image), str(public_key))
    assert said.split() == ["ACTIVE", "floating", "SHUTOFF", "gone"]


@pytest.mark.usefixtures("nothing_left")
def test_libcloud_makes_a_node_and_destroys_it(dora, clients, public_key):
    said = python(dora, "by_libcloud.py", NAME, str(public_key), PYTHONPATH=str(clients))
    assert said.split() == ["running", "gone"]
