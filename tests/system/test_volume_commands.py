"""`openstack volume` and what belongs to it: every command, as a member and an operator use it."""

import importlib.metadata
import re

import pytest

from .clouds import wait
from .shells import OpenStack

pytestmark = [
    pytest.mark.lab,
    pytest.mark.parametrize("cloud", ["allinone"], indirect=True, scope="session"),
]


@pytest.fixture(scope="module", autouse=True)
def _nothing_left(cloud):
    with cloud.unchanged():
        yield


@pytest.fixture(scope="module")
def operator(admin):
    """At the newest microversion: by itself the client asks for older ones, or for none, which some
    of its commands do not work with."""
    with OpenStack(admin, OS_VOLUME_API_VERSION="3.71") as shell:
        yield shell


@pytest.fixture(scope="module")
def osc(dora):
    """As a project's member."""
    with OpenStack(dora) as shell:
        yield shell


@pytest.fixture(scope="module")
def disk(osc):
    """A volume that stays as it is."""
    osc("volume create --size 1 disk")
    osc.until("volume show disk")
    yield "disk"
    osc("volume delete disk")
    osc.gone("volume show disk")


@pytest.fixture(scope="module")
def server(osc):
    """A server, and the name of a volume that it has."""
    osc("volume create --size 1 attached")
    osc.until("volume show attached")
    osc("--os-compute-api-version 2.37 server create --flavor m1.nano --image cairn-guest "
        "--no-network --wait owner")
    osc("server add volume owner attached")
    osc.until("volume show attached", "in-use")
    yield "owner", "attached"
    osc("server delete --wait owner")
    osc.until("volume show attached")
    osc("volume delete attached")
    osc.gone("volume show attached")


@pytest.fixture(scope="module")
def type_(operator):
    """A volume type of the tests' own, that groups may have."""
    operator("volume type create --property consistent_group_snapshot_enabled='<is> True' tried")
    yield "tried"
    operator("volume type delete tried")


def test_a_volume_is_made_changed_and_deleted(osc, operator, disk, type_):
    made = osc.ask("volume create --size 1 --description first --property a=b --property c=d "
                   "--availability-zone nova --bootable plain")
    assert (made["size"], made["properties"]) == (1, {"a": "b", "c": "d"})
    osc.until("volume show plain")
    assert {"plain", "disk"} <= {row["Name"] for row in osc.ask("volume list")}
    [listed] = osc.ask("volume list --long --name plain --status available --property a=b")
    assert (listed["Size"], listed["Properties"]) == (1, {"a": "b", "c": "d"})
    # What the client sends is `metadata={'a': 'b'}`, and all of it has to match.
    assert osc.ask("volume list --property a=x") == []
    assert "plain" in {row["Name"] for row in operator.ask("volume list --all-projects")}

    osc("volume set --name renamed --description second --no-property --property e=f plain")
    osc("volume set --image-property os_distro=cairn --bootable renamed")
    osc("volume set --read-only renamed")
    seen = osc.ask("volume show renamed")
    assert (seen["description"], seen["bootable"]) == ("second", True)
    assert seen["properties"] == {"e": "f", "readonly": "True"}
    assert seen["volume_image_metadata"] == {"os_distro": "cairn"}
    osc("volume set --read-write --non-bootable renamed")
    osc("volume unset --property e --image-property os_distro renamed")
    osc("volume set --size 2 renamed")
    seen = wait("renamed is larger", lambda: (now := osc.ask("volume show renamed"))[
        "status"] == "available" and now["size"] == 2 and now)
    assert "e" not in seen["properties"] and not seen.get("volume_image_metadata")
    osc(f"volume set --type {type_} --retype-policy never renamed")
    wait("renamed has its type", lambda: osc.ask("volume show renamed")["type"] == type_)
    osc.until("volume show renamed")
    operator(f"volume set --state error {seen['id']}")
    assert osc.ask("volume show renamed")["status"] == "error"
    operator(f"volume set --state available --detached {seen['id']}")
    summary = osc.ask("volume summary")
    assert (summary["Total Count"], summary["Total Size"]) == (2, 3)
    assert operator.ask("volume summary --all-projects")["Total Count"] >= 2
    pool = _pool(operator, seen["id"])
    assert "different" in operator(f"volume migrate --host {pool} {seen['id']}", good=False)
    osc("volume delete renamed")
    osc.gone("volume show renamed")


def test_volumes_are_made_from_each_other(osc, disk):
    osc("volume create --source disk clone")
    osc("volume snapshot create --volume disk --description of-disk --property a=b taken")
    osc.until("volume snapshot show taken")
    osc("volume create --snapshot taken --size 2 fromsnap")
    osc("volume create --image cairn-guest --size 1 fromimage")
    for name in ("clone", "fromsnap", "fromimage"):
        osc.until(f"volume show {name}")
    assert osc.ask("volume show fromimage")["bootable"] is True
    osc("image create --volume clone uploaded")
    osc.until("volume show clone")
    wait("the image is there", lambda: osc.ask("image show uploaded")["status"] == "active")

    osc("volume snapshot set --name kept --description other --property c=d taken")
    osc("volume snapshot unset --property a kept")
    seen = osc.ask("volume snapshot show kept")
    assert (seen["description"], seen["properties"]) == ("other", {"c": "d"})
    [listed] = osc.ask("volume snapshot list --long --volume disk")
    assert (listed["Name"], listed["Status"]) == ("kept", "available")
    osc("volume revert kept")
    osc.until("volume show disk")
    osc.until("volume snapshot show kept")
    osc("volume delete clone fromsnap fromimage")
    for name in ("clone", "fromsnap", "fromimage"):
        osc.gone(f"volume show {name}")
    osc("volume snapshot delete kept")
    osc.gone("volume snapshot show kept")
    osc("image delete uploaded")


def test_snapshots_of_a_volume_in_use(osc, dora, operator, server):
    """Where the API knows 3.66 the client sends no `force`, as it need not be said then. But it
    asks at 3.65, where OpenStack's own API refuses that, too: it has to be told a version."""
    _, volume = server
    line = ("volume", "snapshot", "create", "--force", "--volume", volume, "live")
    assert "in-use" in dora.openstack(*line, good=False)
    dora.openstack("--os-volume-api-version", "3.65", *line)
    seen = osc.until("volume snapshot show live")
    operator(f"volume snapshot set --state error {seen['id']}")
    operator(f"volume snapshot delete --force {seen['id']}")
    osc.gone("volume snapshot show live")
    dora.openstack("--os-volume-api-version", "3.71", "volume", "snapshot", "create", "--volume",
                   volume, "newest")
    osc.until("volume snapshot show newest")
    osc("volume snapshot delete newest")
    osc.gone("volume snapshot show newest")


def test_backups(osc, operator, disk):
    osc("volume backup create --name whole --description first disk")
    osc.until("volume backup show whole")
    osc("volume backup create --name more --incremental --property a=b disk")
    osc.until("volume backup show more")
    listed = {row["Name"]: row for row in osc.ask("volume backup list --long --volume disk")}
    assert {name: row["Incremental"] for name, row in listed.items()} == {
        "whole": False, "more": True}
    osc("volume backup set --name most --description second --property c=d more")
    # It asks for paths that Block Storage never had.
    assert "404" in osc("volume backup unset --property a most", good=False)
    seen = osc.ask("volume backup show most")
    assert (seen["name"], seen["description"]) == ("most", "second")
    assert seen["metadata"]["c"] == "d"
    operator(f"volume backup set --state error {seen['id']}")
    operator(f"volume backup set --state available {seen['id']}")
    restored = osc.ask("volume backup restore most restored")["volume_id"]
    osc.until(f"volume show {restored}")
    osc.until("volume backup show most")
    osc(f"volume delete {restored}")
    osc("volume backup delete most")
    osc.gone("volume backup show most")

    whole = osc.ask("volume backup show whole")["id"]
    record = operator.ask(f"volume backup record export {whole}")
    service, url = record["backup_service"], record["backup_url"]
    # It asks by a path that Block Storage never had; `cinder` knows the right one.
    assert "40" in operator(f"volume backup record import {service} {url}", good=False)
    operator(f"volume backup delete --force {whole}")
    osc.gone("volume backup show whole")


def test_types_and_qos(osc, operator, dora):
    project = dora.environment["OS_PROJECT_NAME"]
    operator(f"volume type create --private --description d --property a=b --multiattach "
             f"--availability-zone nova --project {project} --encryption-provider luks "
             "--encryption-cipher aes-xts-plain64 --encryption-key-size 256 "
             "--encryption-control-location front-end secret")
    seen = operator.ask("volume type show --encryption-type secret")
    assert seen["properties"] == {"a": "b", "multiattach": "<is> True",
                                  "RESKEY:availability_zones": "nova"}
    assert "luks" in str(seen["encryption"]) and seen["is_public"] is False
    assert "secret" in {row["Name"] for row in osc.ask("volume type list --long")}
    [listed] = operator.ask("volume type list --private --property a=b --encryption-type")
    assert listed["Name"] == "secret"
    assert osc.ask("volume type list --default")
    operator("volume type set --name hidden --description e --property c=d --encryption-key-size "
             "128 secret")
    operator(f"volume type unset --property a --encryption-type --project {project} hidden")
    assert "hidden" not in osc("volume type list")
    operator(f"volume type set --project {project} hidden")
    seen = operator.ask("volume type show --encryption-type hidden")
    assert "a" not in seen["properties"] and not seen["encryption"]

    operator("volume qos create --consumer front-end --property total_iops_sec=100 slow")
    operator("volume qos set --property total_bytes_sec=1048576 slow")
    operator("volume qos associate slow hidden")
    seen = operator.ask("volume qos show slow")
    assert (seen["consumer"], seen["associations"]) == ("front-end", ["hidden"])
    assert seen["properties"] == {"total_iops_sec": "100", "total_bytes_sec": "1048576"}
    operator("volume qos unset --property total_iops_sec slow")
    [listed] = operator.ask("volume qos list")
    assert listed["Properties"] == {"total_bytes_sec": "1048576"}
    operator("volume qos disassociate --volume-type hidden slow")
    operator("volume qos associate slow hidden")
    operator("volume qos disassociate --all slow")
    operator("volume qos delete slow")
    operator("volume type delete hidden")


def test_a_volume_is_given_away(osc, operator):
    osc("volume create --size 1 gift")
    osc.until("volume show gift")
    offer = osc.ask("volume transfer request create --name take-it --no-snapshots gift")
    assert osc.ask("volume show gift")["status"] == "awaiting-transfer"
    assert [row["Name"] for row in osc.ask("volume transfer request list")] == ["take-it"]
    osc(f"volume transfer request delete {offer['id']}")
    offer = osc.ask("volume transfer request create --name take-it gift")
    assert osc.ask("volume transfer request show take-it")["volume_id"] == offer["volume_id"]
    operator(f"volume transfer request accept --auth-key wrong {offer['id']}", good=False)
    operator(f"volume transfer request accept --auth-key {offer['auth_key']} {offer['id']}")
    osc.gone("volume show gift")
    operator(f"volume delete {offer['volume_id']}")
    operator.gone(f"volume show {offer['volume_id']}")


def test_attachments(osc, server, disk):
    """What a server has, and one that a host makes by hand."""
    name, volume = server
    mine = osc.ask(f"volume show {volume}")["attachments"][0]["attachment_id"]
    assert osc.ask(f"volume attachment show {mine}")["Status"] == "attached"
    assert [row["ID"] for row in osc.ask("volume attachment list --status attached")] == [mine]
    osc("volume create --size 1 byhand")
    made = osc.until("volume show byhand")
    # The server has to be one that Nova knows, the connection is told by the host afterwards.
    attachment = osc.ask(f"volume attachment create --mode rw byhand {name}")
    id_ = attachment["ID"]
    assert attachment["Status"] == "reserved"
    connected = osc.ask(f"volume attachment set --host aio --ip 127.0.0.1 --initiator iqn.x:y "
                        f"--platform x86_64 --os-type linux2 --no-multipath {id_}")
    assert connected["Properties"]
    osc(f"volume attachment complete {id_}")
    [listed] = osc.ask(f"volume attachment list --volume-id {made['id']}")
    assert (listed["ID"], listed["Status"]) == (id_, "attached")
    osc(f"volume attachment delete {id_}")
    osc.until("volume show byhand")
    osc("volume delete byhand")
    osc.gone("volume show byhand")


def test_groups(osc, operator, type_):
    operator("volume group type create --description d --public several")
    # Without --public the client makes it private.
    operator("volume group type set --public --description e --property a=b --property "
             "consistent_group_snapshot_enabled='<is> True' several")
    operator("volume group type set --public --no-property --property "
             "consistent_group_snapshot_enabled='<is> True' several")
    assert operator.ask("volume group type show several")["Properties"] == {
        "consistent_group_snapshot_enabled": "<is> True"}
    assert "several" in {row["Name"] for row in osc.ask("volume group type list")}

    osc(f"volume group create --volume-group-type several --volume-type {type_} --name together")
    _until_listed(osc, "volume group", "together")
    osc(f"volume create --size 1 --type {type_} one")
    osc.until("volume show one")
    osc("volume group add volume together one")
    _until_listed(osc, "volume group", "together")
    one = osc.ask("volume show one")["id"]
    assert one in str(osc.ask("volume group show --volumes together"))
    osc("volume group set --name close --description nearer together")
    # It names no action of Block Storage; no backend would do it.
    assert "400" in operator("volume group failover --allow-attached-volume "
                             f"{osc.ask('volume group show close')['ID']}", good=False)
    osc("volume group snapshot create --name moment close")
    _until_listed(osc, "volume group snapshot", "moment")
    assert osc.ask("volume group snapshot show moment")["Status"] == "available"
    osc("volume group create --group-snapshot moment --name again")
    _until_listed(osc, "volume group", "again")
    osc("volume group delete --force again")
    _until_listed(osc, "volume group", "again", there=False)
    osc("volume group snapshot delete moment")
    _until_listed(osc, "volume group snapshot", "moment", there=False)
    osc("volume group remove volume close one")
    _until_listed(osc, "volume group", "close")
    osc("volume group delete close")
    _until_listed(osc, "volume group", "close", there=False)
    operator("volume group type delete several")
    osc("volume delete one")
    osc.gone("volume show one")


def _until_listed(osc, what, name, there=True):
    """It is available, or is gone."""
    def status():
        return {row["Name"]: row["Status"] for row in osc.ask(f"{what} list")}.get(name)

    wait(f"{what} {name}", lambda: status() == ("available" if there else None), 60)


def test_consistency_groups(osc, type_):
    osc(f"consistency group create --volume-type {type_} --description d old")
    _until_listed(osc, "consistency group", "old")
    osc(f"volume create --size 1 --type {type_} member")
    osc.until("volume show member")
    osc("consistency group add volume old member")
    _until_listed(osc, "consistency group", "old")
    osc("consistency group set --name older --description e old")
    assert osc.ask("consistency group show older")["description"] == "e"
    osc("consistency group snapshot create --consistency-group older instant")
    osc.until("consistency group snapshot show instant")
    # It takes what it does not ask for itself for what has to match, and lists none.
    assert osc.ask("consistency group snapshot list --long") == []
    osc("consistency group create --consistency-group-snapshot instant copied")
    _until_listed(osc, "consistency group", "copied")
    # It sends `consistency_group`, as Block Storage never called it. It is a group as others are.
    assert "400" in osc("consistency group delete --force copied", good=False)
    osc("volume group delete --force copied")
    _until_listed(osc, "consistency group", "copied", there=False)
    osc("consistency group snapshot delete instant")
    osc.gone("consistency group snapshot show instant")
    osc("consistency group remove volume older member")
    _until_listed(osc, "consistency group", "older")
    osc("volume group delete older")
    _until_listed(osc, "consistency group", "older", there=False)
    osc("volume delete member")
    osc.gone("volume show member")


def test_what_failed_is_told(operator):
    """A type that no backend has: an error, and a message that says why."""
    operator("volume type create --property volume_backend_name=none nowhere")
    operator("volume create --size 1 --type nowhere homeless")
    id_ = operator.until("volume show homeless", "error")["id"]
    [message] = [row for row in operator.ask("volume message list") if row["Resource UUID"] == id_]
    assert message["Resource Type"] == "VOLUME" and "type asks for" in message["User Message"]
    # Of one alone it shows its id only: it does not look into the answer.
    assert operator.ask(f"volume message show {message['ID']}")["ID"] == message["ID"]
    operator(f"volume message delete {message['ID']}")
    operator("volume delete homeless")
    operator.gone("volume show homeless")
    operator("volume type delete nowhere")


def _pool(operator, volume):
    """host@backend#pool of a volume."""
    return operator.ask(f"volume show {volume}")["os-vol-host-attr:host"]


def test_volumes_and_snapshots_come_and_go_from_their_backend(operator):
    operator("volume create --size 1 left")
    left = operator.until("volume show left")["id"]
    pool = _pool(operator, left)
    operator("volume delete --remote left")
    operator.gone("volume show left")
    [there] = [row for row in operator.ask(f"block storage volume manageable list --long {pool}")
               if left in str(row["reference"])]
    assert there["safe_to_manage"] is True
    name = there["reference"]["source-name"]
    operator(f"volume create --host {pool} --remote-source source-name={name} back")
    operator.until("volume show back")
    operator("volume snapshot create --volume back point")
    point = operator.until("volume snapshot show point")["id"]
    operator("volume snapshot delete --remote point")
    operator.gone("volume snapshot show point")
    [there] = [row for row in operator.ask(f"block storage snapshot manageable list {pool}")
               if point in str(row["reference"])]
    name = there["reference"]["source-name"]
    operator(f"volume snapshot create --volume back --remote-source source-name={name} point")
    operator.until("volume snapshot show point")
    operator("volume delete --cascade back")
    operator.gone("volume show back")


def test_what_operators_look_at_and_switch(operator):
    pool = operator.ask("volume backend pool list")[0]["Name"]
    host = pool.partition("#")[0]
    service = f"{host} cinder-volume"
    assert operator.ask(f"volume backend capability show {host}")
    assert pool in {row["Name"] for row in operator.ask("volume backend pool list --long")}
    assert {row["Binary"] for row in operator.ask("volume service list")} >= {
        "cinder-scheduler", "cinder-volume", "cinder-backup"}

    def status():
        [row] = operator.ask(f"volume service list --long --host {host} --service cinder-volume")
        return row["Status"], row["Disabled Reason"]

    operator(f"volume service set --disable --disable-reason repairs {service}")
    assert status() == ("disabled", "repairs")
    operator(f"volume service set --enable {service}")
    assert status() == ("enabled", None)
    operator(f"volume host set --disable {host}")
    operator(f"volume host set --enable {host}")
    assert status() == ("enabled", None)
    assert "replicat" in operator(f"volume host failover --volume-backend b {host}", good=False)

    node = host.partition("@")[0]
    levels = operator.ask(f"block storage log level list --host {node} --service cinder-volume")
    assert levels
    for level in ("DEBUG", "INFO"):
        operator(f"block storage log level set --host {node} --service cinder-volume {level}")
    assert operator.ask("block storage cluster list --long") == []
    operator("block storage cluster show none", good=False)
    operator("block storage cluster set --disable none", good=False)
    # It asks by a method that Block Storage never had.
    assert "405" in operator(f"block storage cleanup --host {host} --binary cinder-volume "
                             "--cluster none", good=False)
    assert "bootable" in str(operator.ask("block storage resource filter list"))
    assert "bootable" in str(operator.ask("block storage resource filter show volume"))


def test_every_command_was_given(osc, operator, request):
    """Of the client's own list."""
    mine = [item for item in request.session.items if item.fspath == request.fspath]
    tests = sum(name.startswith("test_") for name in globals())
    if len(mine) < tests:
        pytest.skip("only a part of this file was asked for")
    there = {entry.name.replace("_", " ")
             for entry in importlib.metadata.entry_points(group="openstack.volume.v3")}
    given = [" ".join(words) for words in osc.given + operator.given]
    # The longest name is the command: `volume group create` is not `volume`.
    tried = {max((name for name in there if re.search(rf"(^| ){name}( |$)", line)),
                 key=len, default="") for line in given}
    assert there - tried == set()
