# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.cairn.cloud.plugins.filter.processes import (
    host_packages,
    ini,
    process_users,
    routes,
    settings_files,
    streams,
    units,
    upstream,
)

PROCESSES = {
    "nova-api": {
        "pack": "api", "group": "controller", "mount": "/compute", "sections": ["database"],
    },
    "nova-compute": {"pack": "agent", "group": ["compute"], "sections": ["compute"]},
}
KEYSTONE = {
    "pack": "api", "pool": "identity", "group": "controller", "mount": "/identity",
    "sections": ["database"],
}
DATA = {
    "pack": "data", "group": "controller", "mount": "/image",
    "paths": ["/v2/images/[^/]+/file"], "sections": ["database"],
}
CONSOLE = {
    "pack": "data", "pool": "live", "group": "controller", "mount": "/console", "paths": ["/?"],
    "sections": ["database"],
}
MORE = {**PROCESSES, "keystone-api": KEYSTONE, "glance-data": DATA}
POOLS = {"api": {"workers": 2, "threads": 16}, "data": {"workers": 1, "threads": 64}}
SETTINGS = {"database": {"url": "mysql://x:hunter2@/nova"}, "compute": {"packed": True}}


def files(groups):
    found = settings_files(PROCESSES, SETTINGS, groups)
    return {file["path"]: file for file in found}


def written(found):
    return [file for file in found if file.get("state") != "absent"]


def present(groups, packed=True):
    found = units(PROCESSES, groups, packed=packed)
    return {unit["name"]: unit["reads"] for unit in found if unit["present"]}


def test_a_process_knows_its_sections_and_no_others():
    conf = files(["compute"])["/etc/cairn/agent/nova-compute.conf"]
    assert "packed = true" in conf["content"]
    assert "hunter2" not in conf["content"]


def test_a_host_that_left_a_group_forgets_what_it_knew():
    assert files(["compute"])["/etc/cairn/api/nova-api.conf"]["state"] == "absent"


@pytest.mark.parametrize(("packed", "users"), [
    (True, {"nova-api": "cairn", "nova-compute": "root", "keystone-api": "cairn-keystone",
            "glance-data": "cairn"}),
    (False, {"nova-api": "cairn-nova", "nova-compute": "root", "keystone-api": "cairn-keystone",
             "glance-data": "cairn-glance"}),
])
def test_nobody_but_its_user_reads_the_settings_of_a_process(packed, users):
    found = written(settings_files(MORE, SETTINGS, ["controller", "compute"], packed=packed))
    assert {file["path"].split("/")[-1][:-5]: file["owner"] for file in found} == users
    assert {file["mode"] for file in found} == {"0600"}
    assert set(process_users(MORE, packed)) == set(users.values()) - {"root"}


def test_a_process_that_moved_leaves_no_settings_in_its_old_pack():
    found = {file["path"]: file for file in settings_files(MORE, SETTINGS, ["controller"])}
    assert "hunter2" in found["/etc/cairn/data/glance-data.conf"]["content"]
    assert found["/etc/cairn/api/glance-data.conf"]["state"] == "absent"


def test_settings_no_process_knows_are_refused_by_name():
    with pytest.raises(AnsibleFilterError, match=r"\[databse\]"):
        settings_files(PROCESSES, {"databse": {}}, ["controller"])


def test_what_another_play_serves_is_left_alone():
    found = settings_files(PROCESSES, SETTINGS, ["controller", "compute"], ["controller"])
    assert [file["path"] for file in written(found)] == ["/etc/cairn/api/nova-api.conf"]
    named = {unit["name"] for unit in units(PROCESSES, ["controller", "compute"], ["controller"])}
    assert named == {"cairn-api", "cairn-nova-api"}


def test_a_section_of_one_process_is_instead_of_that_for_all():
    settings = {"messaging": {"url": "a"}, "nova-compute/messaging": {"url": "b"}}
    assert "url = b" in ini(["messaging"], settings, "nova-compute")
    assert "url = a" in ini(["messaging"], settings, "nova-api")


def test_an_option_without_a_value_is_left_to_its_default():
    assert "url" not in ini(["database"], {"database": {"url": None}})


def test_packed_is_a_unit_for_each_pack_on_the_host():
    assert present(["compute"]) == {"cairn-agent": "/etc/cairn/agent"}
    assert set(present(["compute", "controller"])) == {"cairn-agent", "cairn-api"}


def test_unpacked_is_a_unit_for_each_process_on_the_host():
    assert present(["compute"], packed=False) == {
        "cairn-nova-compute": "/etc/cairn/agent/nova-compute.conf"
    }


def test_the_other_kind_of_unit_is_absent():
    packed = {unit["name"] for unit in units(PROCESSES, ["compute"]) if not unit["present"]}
    assert {"cairn-api", "cairn-nova-api", "cairn-nova-compute"} == packed


ROLES = {"controller": ["database", "nova"], "compute": ["nova"]}
PUBLISHED = {"database": ["mariadb"], "nova": {"controller": ["mysqldb"], "compute": ["qemu"]}}


def test_a_host_gets_the_packages_its_groups_need_and_no_more():
    assert host_packages(PUBLISHED, ["compute"], ROLES) == ["qemu"]
    assert host_packages(PUBLISHED, ["controller"], ROLES) == ["mariadb", "mysqldb"]


def test_a_host_in_every_group_gets_every_package_once():
    assert host_packages(PUBLISHED, [*ROLES, "all"], ROLES) == ["mariadb", "mysqldb", "qemu"]


def test_a_path_leads_to_the_workers_of_the_pool_or_of_the_process():
    both = [f"/run/cairn/api-{n}.sock" for n in (1, 2)]
    assert routes(MORE, POOLS) == {
        "/compute": both, "/identity": ["/run/cairn/identity-1.sock"]}
    assert routes(MORE, POOLS, packed=False)["/compute"] == [
        f"/run/cairn/nova-api-{n}.sock" for n in (1, 2)]
    assert upstream(both) == "cairn_api"


def test_streams_have_workers_of_their_own():
    assert streams(MORE, POOLS) == [
        {"path": "^/image/v2/images/[^/]+/file$", "sockets": ["/run/cairn/data-1.sock"],
         "once": False}]
    assert streams(MORE, POOLS, packed=False)[0]["sockets"] == ["/run/cairn/glance-data-1.sock"]


def test_connections_that_stay_open_have_a_pool_of_their_own_in_the_pack_of_streams():
    processes = {"glance-data": DATA, "nova-console": CONSOLE}
    live = streams(processes, POOLS)[1]
    assert live == {"path": "^/console/?$", "sockets": ["/run/cairn/live-1.sock"], "once": True}
    assert streams(processes, POOLS, packed=False)[1]["sockets"] == [
        "/run/cairn/nova-console-1.sock"]
    found = [unit["name"] for unit in units(processes, ["controller"]) if unit["present"]]
    assert found == ["cairn-data"]
    assert process_users(processes) == ["cairn"]


def test_a_unit_of_one_process_is_its_components():
    found = {unit["name"]: unit["user"] for unit in units(MORE, ["controller"], packed=False)}
    assert found["cairn-nova-api"] == "cairn-nova"
