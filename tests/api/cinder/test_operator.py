"""What operators see of storage and change, and what projects see of their limits."""

import logging

import pytest

from cairn.cinder.db.models import Message, Quota
from cairn.common.db import utcnow


def test_services(world, call, create):
    listed = call("GET", "/os-services", who="admin").json["services"]
    [service] = [each for each in listed if each["binary"] == "cinder-volume"]
    assert service["host"] == "store@fake" and service["state"] == "up"
    assert (service["status"], service["frozen"], service["backend_state"]) == (
        "enabled", False, "up")
    for query, count in (("host=store&binary=cinder-volume", 1), ("host=store@fake", 1),
                         ("host=stor", 0), ("binary=cinder-volume", 1), ("binary=x", 0)):
        assert len(call("GET", f"/os-services?{query}", who="admin").json["services"]) == count
    named = {"host": "store@fake", "binary": "cinder-volume"}
    answer = call("PUT", "/os-services/disable-log-reason", named | {"disabled_reason": "repair"},
                  who="admin")
    assert answer.json["status"] == "disabled" and answer.json["disabled_reason"] == "repair"
    made = create().json["volume"]["id"]
    world.settle()
    assert call("GET", f"/volumes/{made}").json["volume"]["status"] == "error"
    assert call("PUT", "/os-services/enable", named, who="admin").json["disabled"] is False
    assert call("PUT", "/os-services/disable", {"host": "store@fake", "service": "cinder-volume"},
                who="admin").json["disabled"] is True
    assert call("PUT", "/os-hosts/store@fake", {"status": "enable"}, who="admin").json == {
        "host": "store@fake", "status": "enabled"}


def test_a_frozen_backend_takes_nothing_new(world, call, create):
    body = {"host": "store@fake"}
    assert call("PUT", "/os-services/freeze", body, who="admin").status_code == 200
    assert call("PUT", "/os-services/freeze", body, who="admin").status_code == 400
    made = create().json["volume"]["id"]
    world.settle()
    assert call("GET", f"/volumes/{made}").json["volume"]["status"] == "error"
    assert call("PUT", "/os-services/thaw", body, who="admin").status_code == 200
    made = create().json["volume"]["id"]
    world.settle()
    assert call("GET", f"/volumes/{made}").json["volume"]["status"] == "available"


@pytest.fixture
def levels():
    """Of our loggers, as they were before."""
    ours = ("cairn.cinder", *(name for name in logging.root.manager.loggerDict
                              if name.startswith("cairn.cinder.")))
    before = {name: logging.getLogger(name).level for name in ours}
    yield
    for name in list(logging.root.manager.loggerDict):
        if name.startswith("cairn.cinder"):
            logging.getLogger(name).setLevel(before.get(name, logging.NOTSET))


@pytest.mark.usefixtures("levels")
def test_log_levels_really_change(call):
    logger = logging.getLogger("cairn.cinder.volume.reporter")
    asked = {"binary": "cinder-volume", "server": "store"}
    assert call("PUT", "/os-services/set-log", asked | {"level": "error"},
                who="admin").status_code == 202
    assert not logger.isEnabledFor(logging.WARNING)
    [told] = call("PUT", "/os-services/get-log", asked, who="admin").json["log_levels"]
    assert told["host"] == "store"
    assert told["levels"]["cairn.cinder.volume.reporter"] == "ERROR"


@pytest.mark.usefixtures("levels")
def test_cinder_backup_has_log_levels_of_its_own(call):
    def put(level, **asked):
        return call("PUT", "/os-services/set-log", asked | {"level": level}, who="admin")

    def read(binary, **asked):
        told = call("PUT", "/os-services/get-log", asked | {"binary": binary}, who="admin")
        return {name: level for each in told.json["log_levels"] if each["binary"] == binary
                for name, level in each["levels"].items()}

    kept = "cairn.cinder.volume.backups"
    put("warning", binary="cinder-volume")
    assert put("debug", binary="cinder-backup").status_code == 202
    assert logging.getLogger(f"{kept}.doer").isEnabledFor(logging.DEBUG)
    assert set(read("cinder-backup").values()) == {"DEBUG"}
    assert set(read("cinder-volume").values()) == {"WARNING"}
    assert kept not in read("cinder-volume")
    # Each keeps its own when the other's changes, also by a name that both are below.
    put("error", binary="cinder-volume", prefix="cairn.cinder.volume")
    assert read("cinder-backup")[kept] == "DEBUG"
    put("info", prefix="cairn.cinder.volume", binary="*")
    assert read("cinder-backup")[kept] == "INFO"
    assert read("cinder-volume")["cairn.cinder.volume"] == "INFO"
    put("error", binary="cinder-backup", prefix=f"{kept}.doer")
    assert read("cinder-backup")[kept] == "INFO"
    assert read("*", prefix=f"{kept}.doer") == {}
    for wrong in ({"binary": "cinder-backup", "prefix": "cairn.cinder.drivers"},
                  {"binary": "cinder-volume", "prefix": kept}):
        refused = put("info", **wrong)
        assert refused.status_code == 400 and "prefix" in refused.json["badRequest"]["message"]


def test_hosts_and_pools(world, call, volume):
    hosts = call("GET", "/os-hosts", who="admin").json["hosts"]
    [host] = [each for each in hosts if each["service"] == "cinder-volume"]
    assert host["host_name"] == "store@fake" and host["service-status"] == "available"
    assert call("GET", "/os-hosts?zone=mars", who="admin").json == {"hosts": []}
    totals = call("GET", "/os-hosts/store@fake", who="admin").json["host"]
    assert [each["resource"]["project"] for each in totals] == ["(total)", "red"]
    assert totals[1]["resource"] == {
        "host": "store@fake", "project": "red", "volume_count": "1", "total_volume_gb": "1",
        "snapshot_count": "0", "total_snapshot_gb": "0"}
    assert call("GET", "/scheduler-stats/get_pools", who="admin").json == {
        "pools": [{"name": "store@fake#fake"}]}
    [pool] = call("GET", "/scheduler-stats/get_pools?detail=true", who="admin").json["pools"]
    facts = pool["capabilities"]
    assert facts["allocated_capacity_gb"] == 1 and facts["backend_state"] == "up"
    shown = call("GET", "/capabilities/store@fake", who="admin").json
    for name in ("vendor_name", "volume_backend_name", "storage_protocol"):
        assert shown[name] == facts[name]
    call("POST", "/types", {"volume_type": {"name": "far", "extra_specs": {
        "vendor_name": "none"}}}, who="admin")
    assert call("GET", "/scheduler-stats/get_pools?volume_type=far", who="admin").json == {
        "pools": []}


def test_what_everybody_may_read(call):
    assert call("GET", "/os-availability-zone").json == {"availabilityZoneInfo": [
        {"zoneName": "nova", "zoneState": {"available": True}}]}
    aliases = [each["alias"] for each in call("GET", "/extensions").json["extensions"]]
    assert "qos-specs" in aliases
    assert call("GET", "/extensions/qos-specs").json["extension"]["alias"] == "qos-specs"
    assert call("GET", "/resource_filters?resource=pool").json == {"resource_filters": [
        {"resource": "pool", "filters": ["name", "volume_type"]}]}
    assert call("GET", "/clusters", who="admin").json == {"clusters": []}
    assert call("POST", "/workers/cleanup", {}, who="admin").json == {
        "cleaning": [], "unavailable": []}


def test_limits_tell_what_is_used(world, call, volume):
    absolute = call("GET", "/limits").json["limits"]["absolute"]
    assert absolute["totalVolumesUsed"] == absolute["totalGigabytesUsed"] == 1
    assert (absolute["maxTotalVolumes"], absolute["maxTotalBackupGigabytes"]) == (10, 1000)
    assert call("GET", "/limits?project_id=red", who="bob").json["limits"]["absolute"][
        "totalVolumesUsed"] == 0
    assert call("GET", "/limits?project_id=red", who="admin").json["limits"]["absolute"][
        "totalVolumesUsed"] == 1


def test_quota_sets(call, volume):
    path = "/os-quota-sets/red"
    shown = call("GET", path).json["quota_set"]
    assert shown["id"] == "red" and shown["volumes"] == 10
    assert shown["volumes___DEFAULT__"] == -1
    used = call("GET", f"{path}?usage=true").json["quota_set"]
    assert used["volumes"] == {"limit": 10, "in_use": 1, "reserved": 0}
    assert used["gigabytes___DEFAULT__"] == {"limit": -1, "in_use": 1, "reserved": 0}
    assert call("GET", path, who="bob").status_code == 403
    changed = call("PUT", path, {"quota_set": {"volumes": 5, "tenant_id": "red"}}, who="admin")
    assert changed.json["quota_set"]["volumes"] == 5 and "id" not in changed.json["quota_set"]
    refused = call("PUT", f"{path}?skip_validation=false", {"quota_set": {"gigabytes": 0}},
                   who="admin")
    assert refused.status_code == 400 and "gigabytes" in refused.json["badRequest"]["message"]
    assert call("GET", f"{path}/defaults").json["quota_set"]["volumes"] == 10
    assert call("DELETE", path, who="admin").status_code == 200
    assert call("GET", path).json["quota_set"]["volumes"] == 10


def test_the_default_class(call):
    path = "/os-quota-class-sets/default"
    changed = call("PUT", path, {"quota_class_set": {"volumes": 3}}, who="admin")
    assert changed.json["quota_class_set"]["volumes"] == 3
    assert call("GET", path, who="admin").json["quota_class_set"]["id"] == "default"
    assert call("GET", "/os-quota-sets/red").json["quota_set"]["volumes"] == 3


def test_limits_of_a_type_follow_its_name(world, call, create):
    made = call("POST", "/types", {"volume_type": {"name": "gold"}}, who="admin")
    type_id = made.json["volume_type"]["id"]
    call("PUT", "/os-quota-sets/red", {"quota_set": {"volumes_gold": 1}}, who="admin")
    assert create(volume_type="gold").status_code == 202
    assert create(volume_type="gold").status_code == 413
    call("PUT", f"/types/{type_id}", {"volume_type": {"name": "silver"}}, who="admin")
    assert call("GET", "/os-quota-sets/red").json["quota_set"]["volumes_silver"] == 1
    assert create(volume_type="silver").status_code == 413
    world.settle()
    for each in call("GET", "/volumes").json["volumes"]:
        call("DELETE", f"/volumes/{each['id']}")
    world.settle()
    assert call("DELETE", f"/types/{type_id}", who="admin").status_code == 202
    with world.db.reading() as session:
        assert session.query(Quota).count() == 0


def test_keystones_limits_hold_also_by_type(world, call, create):
    call("POST", "/types", {"volume_type": {"name": "gold"}}, who="admin")
    world.cloud.limits.defaults = [{"resource_name": "volumes_gold", "default_limit": 1}]
    world.cloud.limits.owned["red"] = [
        {"resource_name": "volumes_gold", "resource_limit": 2, "project_id": "red"}]
    assert call("GET", "/os-quota-sets/red").json["quota_set"]["volumes_gold"] == 2
    assert [create(volume_type="gold").status_code for _ in range(3)] == [202, 202, 413]
    assert [create(volume_type="gold", who="bob").status_code for _ in range(2)] == [202, 413]


@pytest.fixture
def message(world, call, create):
    """The id of a message of alice's: a volume that found no backend."""
    world.driver().capacity_gb = 1
    world.beat()
    create(size=500)
    world.settle()
    [message] = call("GET", "/messages").json["messages"]
    return message["id"]


def test_messages(world, call, message):
    shown = call("GET", f"/messages/{message}").json["message"]
    assert shown["event_id"] == "VOLUME_VOLUME_001_003" and shown["resource_uuid"]
    assert "store" not in shown["user_message"]
    assert call("GET", f"/messages/{message}", who="bob").status_code == 404
    assert call("DELETE", f"/messages/{message}", who="bob").status_code == 404
    assert call("GET", f"/messages?resource_uuid={shown['resource_uuid']}&sort=created_at:asc"
                ).json == {"messages": [shown]}
    assert call("GET", "/messages?event_id=x").json == {"messages": []}
    assert call("GET", f"/messages/{message}", version="3.2").status_code == 404
    assert call("DELETE", f"/messages/{message}").status_code == 204
    assert call("GET", f"/messages/{message}").status_code == 404


def test_a_message_whose_time_is_over_is_gone(world, call, message):
    world.set(message, Message, expires_at=utcnow())
    assert call("GET", "/messages").json == {"messages": []}
    assert call("GET", f"/messages/{message}").status_code == 404
