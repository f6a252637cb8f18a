"""Writes the cloud's inventory, so that Ansible can also be run by hand with it."""

import shutil
from pathlib import Path
from typing import Any

import yaml

from cairn.deploy import checkout, topology
from cairn.deploy.cloud import Cloud, Record, write

Document = dict[str, Any]
FIRST_ADDRESS = 11


def subnet(record: Record) -> str:
    return f"172.30.{record.number}.0/24"


def external_subnet(record: Record) -> str:
    return f"172.31.{record.number}.0/24"


def hosts(cloud: Cloud, record: Record) -> Document:
    """The groups and the hosts in them. On the machine itself every group is localhost."""
    if record.place == "host":
        shape: dict[str, tuple[str, ...]] = {"localhost": topology.GROUPS}
        described: dict[str, Document] = {"localhost": {"ansible_connection": "local"}}
    else:
        shape = topology.TOPOLOGIES[record.topology]
        described = {
            name: {
                "ansible_connection": "cairn.cloud.nspawn",
                "ansible_nspawn_lab_dir": str(lab_directory(cloud)),
                "host_address": f"172.30.{record.number}.{FIRST_ADDRESS + place}",
            }
            for place, name in enumerate(shape)
        }
    groups: Document = {
        group: {"hosts": {name: {} for name, of in shape.items() if group in of}}
        for group in topology.GROUPS
    }
    return {"all": {"hosts": described, "children": groups}}


def lab_directory(cloud: Cloud) -> Path:
    return Path("/var/lib/cairn-lab") / cloud.name


def lab_nodes(record: Record) -> list[Document]:
    """The nodes as role lab wants them. Those that lead out have a second interface."""
    return [
        {"name": name, "groups": list(groups), "external": "network" in groups}
        for name, groups in topology.TOPOLOGIES[record.topology].items()
    ]


def variables(cloud: Cloud, record: Record) -> Document:
    """What the command decided for the whole cloud."""
    decided: Document = {"cloud_name": cloud.name, "cloud_state_dir": str(cloud.directory)}
    if record.place == "lab":
        decided |= {
            "lab_name": cloud.name,
            "lab_dir": str(lab_directory(cloud)),
            "lab_nodes": lab_nodes(record),
            "lab_subnet": subnet(record),
            "lab_external_subnet": external_subnet(record),
        }
    return decided


def store(cloud: Cloud, record: Record, answers: Document) -> None:
    """Lay the inventory down. Later files win: the project's, the command's, the user's."""
    group_vars = cloud.inventory / "group_vars" / "all"
    shutil.rmtree(group_vars, ignore_errors=True)
    group_vars.mkdir(mode=0o700, parents=True)
    for path in sorted(checkout.GROUP_VARS.glob("*.yml")):
        (group_vars / f"10-{path.name}").symlink_to(path)
    _dump(group_vars / "50-cairn.yml", variables(cloud, record))
    if answers:
        _dump(group_vars / "90-answers.yml", answers)
    _dump(cloud.inventory / "hosts.yml", hosts(cloud, record))


def _dump(path: Path, document: Document) -> None:
    write(path, "---\n" + yaml.safe_dump(document, sort_keys=False))
