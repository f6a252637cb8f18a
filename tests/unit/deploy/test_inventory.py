import json
import os
import subprocess

import pytest
import yaml

from cairn.deploy import inventory
from cairn.deploy.cloud import Cloud, Record


def hosts(cloud: Cloud) -> dict[str, dict[str, object]]:
    return dict(yaml.safe_load((cloud.inventory / "hosts.yml").read_text())["all"])


def test_lab_nodes_have_the_addresses_the_lab_gives_them(cloud: Cloud) -> None:
    record = Record("lab", "multinode", number=7)
    cloud.remember(record)
    inventory.store(cloud, record, {})
    found = hosts(cloud)
    addresses = {name: each["host_address"] for name, each in found["hosts"].items()}  # type: ignore[index]
    assert addresses == {
        "controller": "172.30.7.11", "network": "172.30.7.12", "compute1": "172.30.7.13",
        "compute2": "172.30.7.14", "storage": "172.30.7.15",
    }
    assert list(found["children"]["compute"]["hosts"]) == ["compute1", "compute2"]  # type: ignore[index]
    told = yaml.safe_load((cloud.inventory / "group_vars/all/50-cairn.yml").read_text())
    assert [node["name"] for node in told["lab_nodes"] if node["external"]] == ["network"]
    assert (told["lab_subnet"], told["lab_external_subnet"]) == ("172.30.7.0/24", "172.31.7.0/24")


def test_on_the_machine_itself_every_group_is_localhost(cloud: Cloud) -> None:
    record = Record("host", "allinone")
    cloud.remember(record)
    inventory.store(cloud, record, {})
    found = hosts(cloud)
    assert found["hosts"] == {"localhost": {"ansible_connection": "local"}}
    assert all(list(group["hosts"]) == ["localhost"] for group in found["children"].values())  # type: ignore[index]


@pytest.mark.filterwarnings("ignore")
def test_the_users_answers_win_and_go_when_they_are_taken_back(lab: Cloud) -> None:
    record = lab.existing()

    def region() -> str:
        shown = subprocess.run(
            ["ansible-inventory", "-i", str(lab.inventory), "--host", "controller"],
            capture_output=True, text=True, check=True, env={**os.environ, "ANSIBLE_CONFIG": ""},
        )
        return str(json.loads(shown.stdout)["cloud_region"])

    inventory.store(lab, record, {"cloud_region": "North"})
    assert region() == "North"
    inventory.store(lab, record, {})
    assert region() == "RegionOne"
