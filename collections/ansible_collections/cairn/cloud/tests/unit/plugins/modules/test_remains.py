# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os

import pytest
from ansible_collections.cairn.cloud.plugins.module_utils.state import converge
from ansible_collections.cairn.cloud.plugins.modules import remains

ROUTER = "qrouter-00000000-0000-0000-0000-000000000001"
OURS = {
    "etc/systemd/system/cairn-api.service": "",
    f"run/netns/{ROUTER}": "",
    "sys/class/net/brq01234567-89": "",
    "sys/class/net/tap01234567-89": "",
    "usr/local/sbin/cairn-bridge": "",
    "usr/sbin/nft": "",
    "usr/bin/virsh": "",
    "etc/mysql/mariadb.conf.d/90-cairn.cnf": "",
    "var/lib/mysql/nova/db.opt": "",
    "etc/rabbitmq/definitions.json": "{}",
    "etc/rabbitmq/rabbitmq.conf": "# Written by Ansible, role rabbitmq.\n",
    "var/lib/rabbitmq/mnesia/x": "",
    "etc/systemd/system/mariadb.service.d/cairn.conf": "",
    "etc/systemd/system/ceph-osd@.service.d/cairn.conf": "",
    "etc/systemd/system/ceph-osd.target.wants/ceph-osd@0.service": "",
    "etc/ceph/ceph.conf": "# Written by Ansible, role ceph.\n",
    "etc/ceph/ceph.client.admin.keyring": "# Written by Ansible, role ceph.\n",
    "etc/ceph/ceph.client.other-cinder.keyring": "# Written by Ansible, role ceph.\n",
    "var/lib/ceph/osd/ceph-0/block": "",
    "var/lib/ceph/files/1": "",
    "etc/cairn/api/nova-api.conf": "",
    "var/lib/cairn/instances/one/disk": "",
    "etc/hosts": "127.0.0.1 localhost\n# BEGIN of the cloud's hosts\n192.0.2.1 a\n"
    "# END of the cloud's hosts\n192.0.2.9 printer\n",
    "etc/passwd": "root:x:0:0::/root:/bin/sh\ncairn:x:999:999::/var/lib/cairn:/bin/false\n"
    "cairn-keystone:x:998:998::/var/lib/cairn:/bin/false\n",
}
# Whose names only look alike, or nearly.
THEIRS = {
    "etc/systemd/system/cairngorm.service": "",
    "run/netns/qrouter-of-mine": "",
    "sys/class/net/tap0": "",
    "sys/class/net/eth0": "",
    "var/lib/mysql/mysql/user.frm": "",
    "etc/libvirt/libvirtd.conf": "# the package's own\n",
    "etc/ceph/ceph.client.glance.keyring": "# of another cluster\n",
    "etc/ceph/rbdmap": "",
    "var/lib/ceph/crash/posted/x": "",
}


class Machine:
    """A machine that is a directory, with tools that behave. It stands for the module as well."""

    def __init__(self, root, files, check_mode=False):
        self.root, self.check_mode, self.result = root, check_mode, None
        self.tables = {"ip cairn_external", "inet cairn_sg", "ip filter", "ip cairn_lab_other"}
        self.domains = {"1": "<source file='/var/lib/cairn/instances/one/disk'/>", "2": "<mine/>"}
        self.secrets = {"3": "ceph ceph client.other-cinder", "4": "ceph client.cinder"}
        self.databases_dropped = []
        for name, content in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(content)

    def exit_json(self, **result):
        self.result = result

    def fail_json(self, **result):
        raise AssertionError(result)

    def run_command(self, command):
        assert isinstance(command, list)
        return 0, self.answer(*command) or "", ""

    def answer(self, *command):
        match command:
            case ["virsh", "--connect", _, "list", *_]:
                return "\n".join(self.domains)
            case ["virsh", "dumpxml", uuid]:
                return self.domains[uuid]
            case ["virsh", _, _, "secret-list"]:
                rows = [f" {uuid}  {usage}\n" for uuid, usage in self.secrets.items()]
                return " UUID  Usage\n-----\n" + "".join(rows)
            case ["virsh", _, _, "secret-undefine", uuid]:
                del self.secrets[uuid]
            case ["systemctl", "disable", "--now", unit] if unit.startswith("ceph-"):
                (self.root / "etc/systemd/system/ceph-osd.target.wants" / unit).unlink()
            case ["virsh", "undefine", uuid, *_]:
                del self.domains[uuid]
            case ["ip", "netns", "delete", name]:
                (self.root / "run/netns" / name).unlink()
            case ["ip", "link", "delete", name]:
                (self.root / "sys/class/net" / name).unlink()
            case ["nft", "list", "tables"]:
                return "".join(f"table {table}\n" for table in sorted(self.tables))
            case ["nft", "delete", "table", *table]:
                self.tables.remove(" ".join(table))
            case [remains.BRIDGE, "down"]:
                self.tables.discard("ip cairn_external")
            case ["mariadb", "--execute", statement]:
                name = statement.split("`")[1]
                (self.root / "var/lib/mysql" / name / "db.opt").unlink()
                (self.root / "var/lib/mysql" / name).rmdir()
                self.databases_dropped.append(name)
            case ["userdel", name]:
                passwd = self.root / "etc/passwd"
                lines = passwd.read_text().splitlines(keepends=True)
                kept = [line for line in lines if not line.startswith(f"{name}:")]
                passwd.write_text("".join(kept))


def files(root):
    return {
        os.path.relpath(os.path.join(directory, name), root)
        for directory, _directories, names in os.walk(root)
        for name in names
    }


def run(machine):
    host = remains.Host(machine, ["keystone", "nova"], str(machine.root))
    converge(machine, remains.look(host), {}, lambda: remains.act(host))
    return machine.result


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path, OURS | THEIRS)


def test_nothing_of_ours_stays_and_nothing_of_others_goes(machine):
    assert run(machine)["changed"]
    kept = {"usr/sbin/nft", "usr/bin/virsh", "etc/hosts", "etc/passwd"}
    assert files(machine.root) == set(THEIRS) | kept
    assert machine.tables == {"ip filter", "ip cairn_lab_other"}
    assert list(machine.domains) == ["2"] and list(machine.secrets) == ["4"]
    hosts = (machine.root / "etc/hosts").read_text()
    assert hosts == "127.0.0.1 localhost\n192.0.2.9 printer\n"
    assert "cairn" not in (machine.root / "etc/passwd").read_text()


def test_a_second_run_finds_nothing(machine):
    run(machine)
    assert not run(machine)["changed"]


def test_check_mode_names_everything_and_touches_nothing(tmp_path):
    machine = Machine(tmp_path, OURS | THEIRS, check_mode=True)
    before = files(tmp_path)
    result = run(machine)
    assert result["changed"]
    assert files(tmp_path) == before
    assert result["diff"]["before"]["namespaces"] == [ROUTER]
    assert result["diff"]["before"]["databases"] == ["nova"]


def test_a_database_server_with_others_data_keeps_running(tmp_path):
    machine = Machine(tmp_path, OURS | {"var/lib/mysql/wordpress/db.opt": ""})
    daemons = remains.Host(machine, ["nova"], str(tmp_path)).daemons()
    assert "rabbitmq-server.service" in daemons
    assert "mariadb.service" not in daemons


def test_processes_of_a_lab_on_the_same_machine_are_not_ours(tmp_path):
    release = "/opt/cairn/current/bin/python\0x"
    commands = {10: release, 11: release, 12: "/bin/sh\0/run/cairn/x", 13: "/bin/sh\0/etc/cairn"}
    files = {f"proc/{pid}/cmdline": command for pid, command in commands.items()}
    machine = Machine(tmp_path, files)
    for pid in ("self", *commands):
        (tmp_path / f"proc/{pid}/ns").mkdir(parents=True)
        space = "pid:[2]" if pid == 11 else "pid:[1]"
        (tmp_path / f"proc/{pid}/ns/pid").symlink_to(space)
    assert remains.Host(machine, [], str(tmp_path)).processes() == ["10", "12"]
