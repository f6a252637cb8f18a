"""`cinder`, the command of python-cinderclient: all of it, as a member and an operator use it."""

import re

import pytest

from .clouds import wait
from .shells import Cinder

pytestmark = [
    pytest.mark.lab,
    pytest.mark.parametrize("cloud", ["allinone"], indirect=True, scope="session"),
]
BACKUPS = "/var/lib/cairn/backups"
# What completes words for a shell.
NO_COMMANDS = {"bash-completion", "bash_completion"}


@pytest.fixture(scope="module", autouse=True)
def _nothing_left(cloud):
    with cloud.unchanged():
        yield


@pytest.fixture(scope="module")
def operator(admin, clients):
    with Cinder(admin, PYTHONPATH=str(clients)) as shell:
        yield shell


@pytest.fixture(scope="module")
def cinder(dora, clients):
    """As a project's member."""
    with Cinder(dora, PYTHONPATH=str(clients)) as shell:
        yield shell


@pytest.fixture(scope="module")
def project(admin):
    """The member's project."""
    return admin.ask("project", "show", "by-a-client")["id"]


@pytest.fixture(scope="module")
def disk(cinder):
    """A volume that stays as it is."""
    cinder("create 1 --name disk --poll")
    yield "disk"
    cinder("delete disk")
    cinder.gone("show disk")


@pytest.fixture(scope="module")
def type_(operator):
    """A volume type of the tests' own, that groups may have."""
    made = operator.ask("type-create tried --description d --is-public true")
    operator("type-key tried set consistent_group_snapshot_enabled='<is> True'")
    [made] = made
    yield made["ID"]
    operator("type-delete tried")


def test_a_volume_is_made_changed_and_deleted(cinder, operator, type_):
    made = cinder.ask("create 1 --name plain --description first --metadata a=b "
                      "--availability-zone nova")
    assert (made["size"], made["metadata"]) == ("1", "{'a': 'b'}")
    seen = cinder.until("show plain")
    id_ = seen["id"]
    [listed] = cinder.ask("list --name plain --status available --metadata a=b")
    assert listed["ID"] == id_
    assert cinder.ask("list --filters name=none") == []
    assert id_ in operator("list --all-tenants --with-count")
    cinder("rename plain renamed --description second")
    cinder("metadata renamed set c=d e=f")
    cinder("metadata renamed unset a")
    assert cinder.ask("metadata-show renamed") == {"c": "d", "e": "f"}
    assert cinder.ask("metadata-update-all renamed g=h") == {"g": "h"}
    cinder("image-metadata renamed set os_distro=cairn hw_x=1")
    cinder("image-metadata renamed unset hw_x")
    assert "cairn" in cinder("image-metadata-show renamed")
    cinder("set-bootable renamed true")
    cinder("readonly-mode-update renamed true")
    seen = cinder.ask("show renamed")
    assert (seen["bootable"], seen["readonly"]) == ("true", "True")
    cinder("readonly-mode-update renamed false")
    cinder("extend renamed 2")
    wait("it is larger", lambda: cinder.ask("show renamed")["status"] == "available")
    assert cinder.ask("show renamed")["size"] == "2"
    cinder("retype renamed tried --migration-policy never")
    wait("it has its type", lambda: cinder.ask("show renamed")["volume_type"] == "tried")
    cinder.until("show renamed")
    operator(f"reset-state {id_} --type volume --state error --attach-status detached "
             "--reset-migration-status")
    assert cinder.ask("show renamed")["status"] == "error"
    operator(f"reset-state {id_} --state available")
    # It fails, and ends well.
    assert "different" in operator(f"migrate {id_} {_pool(operator, id_)}")
    assert cinder.ask("summary")["total_count"]
    assert operator("summary --all-tenants")
    cinder("delete renamed")
    cinder.gone("show renamed")


@pytest.fixture
def no_image(admin):
    """What is uploaded does not stay."""
    yield
    admin.openstack("image", "delete", "by-cinder")


@pytest.mark.usefixtures("no_image")
def test_volumes_are_made_from_each_other(cinder, operator, admin, disk):
    cinder("snapshot-create disk --name taken --description d --metadata a=b")
    cinder.until("snapshot-show taken")
    cinder("snapshot-rename taken kept --description e")
    cinder("snapshot-metadata kept set c=d e=f")
    cinder("snapshot-metadata kept unset a")
    assert cinder.ask("snapshot-metadata-show kept") == {"c": "d", "e": "f"}
    assert "'g': 'h'" in cinder("snapshot-metadata-update-all kept g=h")
    volume, snapshot = (cinder.ask(line)["id"] for line in ("show disk", "snapshot-show kept"))
    [listed] = cinder.ask(f"snapshot-list --volume-id {volume}")
    assert listed["ID"] == snapshot
    assert snapshot in operator("snapshot-list --all-tenants --status available")
    operator(f"snapshot-reset-state {snapshot} --state error")
    operator(f"snapshot-reset-state {snapshot} --state available")
    cinder("revert-to-snapshot kept")
    cinder.until("show disk")
    cinder.until("snapshot-show kept")
    guest = admin.ask("image", "show", "cairn-guest")["id"]
    cinder(f"create --snapshot-id {snapshot} --name fromsnap --poll")
    cinder(f"create 1 --source-volid {volume} --name clone --poll")
    cinder(f"create 1 --image-id {guest} --name fromimage --poll")
    image = cinder.ask("upload-to-image fromimage by-cinder --visibility private")["image_id"]
    cinder.until("show fromimage")
    wait("the image is there", lambda: admin.ask("image", "show", image)["status"] == "active")
    cinder(f"reimage clone {image}")
    wait("it has the image", lambda: image in cinder("image-metadata-show clone"))
    cinder.until("show clone")
    cinder("snapshot-delete kept")
    cinder.gone("snapshot-show kept")
    cinder("delete fromsnap fromimage")
    operator(f"force-delete {cinder.ask('show clone')['id']}")
    for name in ("fromsnap", "fromimage", "clone"):
        cinder.gone(f"show {name}")


def test_backups(cinder, operator, disk, cloud):
    cinder("backup-create disk --name whole --description d")
    whole = cinder.until("backup-show whole")["id"]
    cinder("backup-create disk --name more --incremental --metadata a=b")
    cinder.until("backup-show more")
    cinder("backup-update more --name most --description e --metadata c=d")
    assert cinder.ask("backup-show most")["metadata"] == "{'c': 'd'}"
    [listed] = cinder.ask("backup-list --name most --status available")
    operator(f"backup-reset-state {listed['ID']} --state error")
    operator(f"backup-reset-state {listed['ID']} --state available")
    restored = cinder.ask("backup-restore most --name back")["volume_id"]
    cinder.until(f"show {restored}")
    cinder.until("backup-show most")
    cinder(f"create 1 --backup-id {whole} --name again --poll")
    record = operator.ask(f"backup-export {whole}")
    line = f"backup-import {record['backup_service']} {record['backup_url']}"
    assert "already" in operator(line, good=False)
    cinder("delete back again")
    cinder("backup-delete most")
    cinder.gone("backup-show most")
    # The database forgets it; its record, and what it holds, were kept elsewhere.
    cloud.within("aio", f"cp -a {BACKUPS} {BACKUPS}.kept")
    cinder("backup-delete whole")
    cinder.gone("backup-show whole")
    cloud.within("aio", f"rm -rf {BACKUPS} && mv {BACKUPS}.kept {BACKUPS}")
    operator(line)
    operator.until(f"backup-show {whole}")
    operator(f"backup-delete {whole}")
    for line in (f"backup-show {whole}", "show back", "show again"):
        operator.gone(line)


def test_types_and_qos(cinder, operator, project):
    operator("type-create secret --is-public false")
    operator("type-key secret set a=b of:ours=d")
    operator("type-key secret unset a")
    id_ = operator.ask("type-show secret")["id"]
    assert "secret" in operator("extra-specs-list")
    operator(f"type-access-add --volume-type secret --project-id {project}")
    assert [row["Project_ID"] for row in operator.ask("type-access-list --volume-type secret")] == [
        project]
    assert id_ in cinder("type-list")
    operator(f"type-update {id_} --name hidden --description e")
    operator("encryption-type-create hidden luks --cipher aes-xts-plain64 --key-size 256 "
             "--control-location front-end")
    operator("encryption-type-update hidden --key-size 128")
    assert "128" in operator("encryption-type-show hidden")
    assert id_ in operator("encryption-type-list")
    cinder("create 1 --volume-type hidden --name locked --poll")
    assert cinder.ask("show locked")["encrypted"] == "True"
    cinder("delete locked")
    cinder.gone("show locked")
    operator("encryption-type-delete hidden")

    operator(f"default-type-set hidden {project}")
    assert operator.ask(f"default-type-list --project-id {project}")
    assert cinder.ask("type-default")
    operator(f"default-type-unset {project}")

    operator("qos-create slow consumer=front-end total_iops_sec=100")
    qos = next(row["ID"] for row in operator.ask("qos-list") if row["Name"] == "slow")
    operator(f"qos-key {qos} set total_bytes_sec=1048576")
    operator(f"qos-key {qos} unset total_iops_sec")
    assert "1048576" in operator(f"qos-show {qos}")
    for last in (f"qos-disassociate {qos} {id_}", f"qos-disassociate-all {qos}"):
        operator(f"qos-associate {qos} {id_}")
        assert "hidden" in operator(f"qos-get-association {qos}")
        operator(last)
    operator(f"qos-delete {qos}")
    operator(f"type-access-remove --volume-type hidden --project-id {project}")
    operator("type-delete hidden")


def test_a_volume_is_given_away(cinder, operator):
    cinder("create 1 --name gift --poll")
    cinder("transfer-create gift --name take-it --no-snapshots")
    assert "take-it" in cinder("transfer-list")
    cinder("transfer-delete take-it")
    offer = cinder.ask("transfer-create gift --name take-it")
    assert cinder.ask("transfer-show take-it")["volume_id"] == offer["volume_id"]
    operator(f"transfer-accept {offer['id']} {offer['auth_key']}")
    cinder.gone("show gift")
    operator(f"delete {offer['volume_id']}")
    operator.gone(f"show {offer['volume_id']}")


def test_attachments(cinder, disk):
    cinder("create 1 --name byhand --poll")
    made = cinder.ask("show byhand")["id"]
    cinder(f"attachment-create {made} 0c2a5d3e-8b5e-4d7c-9b1f-6f2f3f0d7b11 --mode rw")
    [listed] = cinder.ask(f"attachment-list --volume-id {made}")
    id_ = listed["ID"]
    cinder(f"attachment-update {id_} --host aio --ip 127.0.0.1 --initiator iqn.x:y")
    cinder(f"attachment-complete {id_}")
    assert cinder.ask(f"attachment-show {id_}")["status"] == "attached"
    cinder(f"attachment-delete {id_}")
    cinder.until("show byhand")
    cinder("delete byhand")
    cinder.gone("show byhand")


def test_groups(cinder, operator, type_):
    operator("group-type-create several --description d --is-public true")
    operator("group-type-key several set consistent_group_snapshot_enabled='<is> True' a=b")
    operator("group-type-key several unset a")
    kind = operator.ask("group-type-show several")["id"]
    operator(f"group-type-update {kind} --description e --is-public true")
    assert "several" in cinder("group-type-list")
    assert "consistent" in operator("group-specs-list")
    assert "default" in cinder("group-type-default", good=False)  # There is none.

    cinder(f"group-create several {type_} --name together --description d")
    cinder.until("group-show together")
    group = cinder.ask("group-show together")["id"]
    cinder(f"create 1 --volume-type {type_} --group-id {group} --name one --poll")
    cinder(f"create 1 --volume-type {type_} --name two --poll")
    two = cinder.ask("show two")["id"]
    cinder(f"group-update together --name close --add-volumes {two}")
    cinder.until("group-show close")
    assert two in cinder("group-show close --list-volume")
    assert group in cinder("group-list")
    cinder("group-snapshot-create close --name moment --description d")
    cinder.until("group-snapshot-show moment")
    assert "moment" in cinder("group-snapshot-list")
    cinder("group-create-from-src --group-snapshot moment --name again")
    cinder.until("group-show again")
    for verb in ("enable-replication", "disable-replication", "failover-replication"):
        assert "replicat" in operator(f"group-{verb} {group}", good=False).lower()
    operator(f"group-list-replication-targets {group}", good=False)
    cinder("group-delete again --delete-volumes")
    cinder.gone("group-show again")
    cinder("group-snapshot-delete moment")
    cinder.gone("group-snapshot-show moment")
    cinder("group-delete close --delete-volumes")
    cinder.gone("group-show close")
    operator("group-type-delete several")


def test_consistency_groups(cinder, type_):
    cinder(f"consisgroup-create {type_} --name old --description d")
    cinder.until("consisgroup-show old")
    cinder(f"create 1 --volume-type {type_} --name member --poll")
    member = cinder.ask("show member")["id"]
    cinder(f"consisgroup-update old --name older --add-volumes {member}")
    cinder.until("consisgroup-show older")
    assert "older" in cinder("consisgroup-list")
    cinder("cgsnapshot-create older --name instant --description d")
    cinder.until("cgsnapshot-show instant")
    assert "instant" in cinder("cgsnapshot-list")
    cinder("consisgroup-create-from-src --cgsnapshot instant --name copied")
    cinder.until("consisgroup-show copied")
    cinder("consisgroup-delete copied --force")
    cinder.gone("consisgroup-show copied")
    cinder("cgsnapshot-delete instant")
    cinder.gone("cgsnapshot-show instant")
    cinder("consisgroup-delete older --force")
    cinder.gone("consisgroup-show older")


def test_what_failed_is_told(cinder, operator):
    operator("type-create nowhere")
    operator("type-key nowhere set volume_backend_name=none")
    cinder("create 1 --volume-type nowhere --name homeless")
    id_ = cinder.until("show homeless", "error")["id"]
    [message] = cinder.ask(f"message-list --resource_uuid {id_}")
    assert cinder.ask(f"message-show {message['ID']}")["resource_uuid"] == id_
    cinder(f"message-delete {message['ID']}")
    cinder("delete homeless")
    cinder.gone("show homeless")
    operator("type-delete nowhere")


def _pool(operator, volume):
    """host@backend#pool of a volume."""
    return operator.ask(f"show {volume}")["os-vol-host-attr:host"]


def test_volumes_and_snapshots_come_and_go_from_their_backend(operator):
    operator("create 1 --name left --poll")
    left = operator.ask("show left")["id"]
    pool = _pool(operator, left)
    operator("unmanage left")
    operator.gone("show left")
    [there] = [row for row in operator.ask(f"manageable-list {pool}") if left in str(row)]
    name = _source(there["reference"])
    operator(f"manage {pool} {name} --name back")
    operator.until("show back")
    operator("snapshot-create back --name point")
    point = operator.until("snapshot-show point")["id"]
    operator("snapshot-unmanage point")
    operator.gone("snapshot-show point")
    [there] = [row for row in operator.ask(f"snapshot-manageable-list {pool}")
               if point in str(row)]
    operator(f"snapshot-manage back {_source(there['reference'])} --name point")
    operator.until("snapshot-show point")
    operator("delete --cascade back")
    operator.gone("show back")


def _source(reference: str) -> str:
    """Of {'source-name': '...'}, as the table has it."""
    return reference.split("'")[3]


def test_quotas(cinder, operator, project):
    before = operator.ask(f"quota-defaults {project}")
    operator(f"quota-update {project} --volumes 7 --snapshots 8 --gigabytes 9 --backups 3 "
             "--backup-gigabytes 4 --groups 2 --per-volume-gigabytes 5 --skip-validation True")
    assert cinder.ask(f"quota-show {project}")["volumes"] == "7"
    assert {row["Type"]: row["Limit"] for row in cinder.ask(f"quota-usage {project}")}[
        "gigabytes"] == "9"
    operator(f"quota-delete {project}")
    assert cinder.ask(f"quota-show {project}")["volumes"] == before["volumes"]
    limits = operator.ask("quota-class-show default")
    operator(f"quota-class-update default --volumes {int(limits['volumes']) + 1}")
    operator(f"quota-class-update default --volumes {limits['volumes']}")
    assert "maxTotalVolumes" in cinder("absolute-limits")
    cinder("rate-limits")


def test_what_operators_look_at_and_switch(cinder, operator):
    # A table for each pool.
    pool = re.search(r"\| name +\| (\S+)", operator("get-pools"))[1]
    host = pool.partition("#")[0]
    assert operator(f"get-capabilities {host}")
    assert pool in operator("get-pools --detail")
    assert pool in operator(f"get-pools --filters volume_type=__DEFAULT__ name={pool}")
    assert operator("get-pools --filters name=none") == ""

    def status():
        [row] = operator.ask(f"service-list --host {host} --binary cinder-volume")
        return row["Status"], row["Disabled Reason"]

    operator(f"service-disable {host} cinder-volume --reason repairs")
    assert status() == ("disabled", "repairs")
    operator(f"service-enable {host} cinder-volume")
    operator(f"freeze-host {host}")
    operator(f"thaw-host {host}")
    assert status()[0] == "enabled"
    assert "replicat" in operator(f"failover-host {host} --backend_id b", good=False)
    node = host.partition("@")[0]
    assert operator.ask(f"service-get-log --binary cinder-volume --server {node}")
    for level in ("debug", "info"):
        operator(f"service-set-log {level} --binary cinder-volume --server {node}")
    assert operator.ask("cluster-list --detailed") == []
    for line in ("cluster-show cinder-volume none", "cluster-enable cinder-volume none",
                 "cluster-disable cinder-volume none --reason r"):
        assert "none" in operator(line, good=False)
    operator("work-cleanup")


def test_what_everybody_may_look_at(cinder):
    assert "nova" in cinder("availability-zone-list")
    assert "volume" in cinder("list-filters")
    assert "3.71" in cinder("version-list")
    assert "3.71" in cinder("api-version")
    assert "SchedulerHints" in cinder("list-extensions")
    assert "create" in cinder("help")


def test_every_command_was_given(cinder, operator, request):
    """Of the client's own list."""
    mine = [item for item in request.session.items if item.fspath == request.fspath]
    if len(mine) < sum(name.startswith("test_") for name in globals()):
        pytest.skip("only a part of this file was asked for")
    there = {word for word in cinder("bash-completion").split() if not word.startswith("-")}
    given = {words[0] for words in cinder.given + operator.given}
    assert there - given - NO_COMMANDS == set()
