"""Clients beside the `openstack` command, unmodified: the openstack.cloud collection of Ansible,
openstacksdk, and Apache Libcloud. Each makes what a user makes, and leaves nothing."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .clouds import BIN, HOUSE, Person, run

# Once is enough: the services are the same in every topology.
pytestmark = [
    pytest.mark.lab,
    pytest.mark.parametrize("cloud", ["allinone"], indirect=True, scope="session"),
]
FILES = Path(__file__).parent / "client_files"
NAME = "by-a-client"


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
def playbook(admin, clients):
    """playbook(file, tags, **variables) -> how many tasks changed something."""
    os_ = {name.removeprefix("OS_").lower(): value for name, value in admin.environment.items()
           if name.startswith("OS_")}
    common = {
        "label": "by-ansible", "ca_file": os_["cacert"],
        "admin": {name: os_[name] for name in (
            "auth_url", "username", "password", "project_name", "user_domain_name",
            "project_domain_name")},
        "ansible_python_interpreter": sys.executable,
    }
    environment = {name: value for name, value in admin.environment.items()
                   if not name.startswith("OS_")} | {
        "PYTHONPATH": str(clients), "ANSIBLE_COLLECTIONS_PATH": str(clients),
        "ANSIBLE_CONFIG": str(clients / "ansible.cfg"), "ANSIBLE_LOCALHOST_WARNING": "false"}

    def play(file: str, tags: str, **variables: str) -> int:
        out = run(str(BIN / "ansible-playbook"), "--tags", tags, "--extra-vars",
                  json.dumps(common | variables), str(FILES / file), env=environment)
        return int(re.search(r"changed=(\d+)", out)[1])

    return play


@pytest.mark.usefixtures("nothing_left")
def test_ansibles_collection_makes_it_once_and_takes_it_away(playbook, image, public_key):
    def play(tags: str) -> int:
        return playbook("openstack_cloud.yml", tags, password="Some-Secret-1",
                        image_file=str(image), public_key_file=str(public_key))

    assert [play("present") for _ in range(2)] == [14, 0]
    assert [play("absent") for _ in range(2)] == [9, 0]
    assert [play("remove") for _ in range(2)] == [2, 0]


@pytest.mark.usefixtures("nothing_left")
def test_ansibles_collection_makes_volumes_once_and_takes_them_away(playbook):
    assert [playbook("volumes.yml", tags) for tags in (
        "present", "present,look", "manage", "absent", "absent")] == [6, 0, 3, 4, 0]


def python(person: Person, script: str, *words: str, **environment: str) -> str:
    return run(sys.executable, str(HOUSE / "tests/system/client_files" / script), *words,
               env=person.environment | environment)


@pytest.mark.usefixtures("nothing_left")
def test_the_sdk_makes_a_server_that_is_reached_and_takes_all_away(dora, image, public_key):
    said = python(dora, "by_sdk.py", NAME, str(image), str(public_key))
    assert said.split() == ["ACTIVE", "floating", "SHUTOFF", "gone"]


@pytest.mark.usefixtures("nothing_left")
def test_the_sdk_does_to_volumes_what_the_command_has_no_words_for(admin):
    said = python(admin, "volumes_by_sdk.py", "by-sdk")
    assert said.split() == ["volume", "connections", "copies", "types", "limits"]


@pytest.mark.usefixtures("nothing_left")
def test_libcloud_makes_a_node_and_destroys_it(dora, clients, public_key):
    said = python(dora, "by_libcloud.py", NAME, str(public_key), PYTHONPATH=str(clients))
    assert said.split() == ["running", "gone"]
