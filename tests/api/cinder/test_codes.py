"""What each resource answers to what is wrong: the codes of the API reference, by resource."""

import pytest

NONE = "7bd7e6f2-6f0b-4c0e-a9ba-0a7f4f2cbb0f"  # An id of nothing.
HUGE = 10**30
LONG = "x" * 256
NASTY = (None, 1, [], {}, "", " ", LONG, "a\nb")


def type_(**more):
    return {"volume_type": {"name": "x", **more}}


def group_type(**more):
    return {"group_type": {"name": "x", **more}}


def qos(**more):
    return {"qos_specs": {"name": "x", **more}}


def encryption(**more):
    return {"encryption": {"provider": "luks", **more}}


# (who, method and path; body; code), one after the other.
CASES = {
    "types": [
        (f"alice GET /types/{NONE}", None, 404), ("alice GET /types/", None, 404),
        ("alice GET /types?sort=junk", None, 400), ("alice GET /types?limit=-1", None, 400),
        ("alice GET /types?offset=-1", None, 400),
        ("alice GET /types?limit=x", None, 400), ("admin GET /types?is_public=junk", None, 400),
        (f"alice GET /types?marker={NONE}", None, 404),
        ("alice GET /types?extra_specs=junk", None, 400),
        ("alice GET /types?extra_specs=[1]", None, 400),
        ("alice POST /types", type_(), 403), ("alice POST /types", {}, 403),
        ("admin POST /types", {}, 400), ("admin POST /types", None, 400),
        ("admin POST /types", {"volume_type": []}, 400),
        ("admin POST /types", type_(junk=1), 400),
        *(("admin POST /types", type_(name=name), 400) for name in NASTY),
        ("admin POST /types", type_(description="x" * 256), 400),
        ("admin POST /types", type_(**{"os-volume-type-access:is_public": "junk"}), 400),
        ("admin POST /types", type_(extra_specs={"a/b": "1"}), 400),
        ("admin POST /types", type_(extra_specs={"a": 1}), 400),
        ("admin POST /types", type_(extra_specs={"a": LONG}), 400),
        ("admin POST /types", type_(name="TYPE"), 409),
        ("admin PUT /types/TYPE", {"volume_type": {}}, 400),
        ("admin PUT /types/TYPE", {"volume_type": {"name": " "}}, 400),
        ("admin PUT /types/TYPE", {"volume_type": {"name": "other"}}, 409),
        ("admin PUT /types/TYPE", {"volume_type": {"extra_specs": {}}}, 400),
        (f"admin PUT /types/{NONE}", type_(), 404), ("alice PUT /types/TYPE", type_(), 403),
        (f"admin DELETE /types/{NONE}", None, 404), ("alice DELETE /types/TYPE", None, 403),
    ],
    "extra specs": [
        (f"admin GET /types/{NONE}/extra_specs", None, 404),
        ("admin GET /types/TYPE/extra_specs/none", None, 404),
        (f"admin POST /types/{NONE}/extra_specs", {"extra_specs": {"a": "1"}}, 404),
        ("admin POST /types/TYPE/extra_specs", {"extra_specs": ["a"]}, 400),
        ("admin POST /types/TYPE/extra_specs", {"extra_specs": {}}, 400),
        ("admin POST /types/TYPE/extra_specs", {"extra_specs": {"a/b": "1"}}, 400),
        ("admin POST /types/TYPE/extra_specs", {"extra_specs": {"a": None}}, 400),
        ("admin POST /types/TYPE/extra_specs", None, 400),
        ("alice POST /types/TYPE/extra_specs", {"extra_specs": {"a": "1"}}, 403),
        ("admin PUT /types/TYPE/extra_specs/a", {"b": "1"}, 400),
        ("admin PUT /types/TYPE/extra_specs/a", {"a": "1", "b": "1"}, 400),
        ("admin PUT /types/TYPE/extra_specs/a", None, 400),
        ("admin PUT /types/TYPE/extra_specs/None", {"a": "1"}, 400),
        (f"admin PUT /types/{NONE}/extra_specs/a", {"a": "1"}, 404),
        ("alice PUT /types/TYPE/extra_specs/a", {"a": "1"}, 403),
        ("admin DELETE /types/TYPE/extra_specs/none", None, 404),
        (f"admin DELETE /types/{NONE}/extra_specs/a", None, 404),
        ("alice DELETE /types/TYPE/extra_specs/a", None, 403),
    ],
    "access": [
        ("admin GET /types/TYPE/os-volume-type-access", None, 404),
        (f"admin GET /types/{NONE}/os-volume-type-access", None, 404),
        ("alice GET /types/TYPE/os-volume-type-access", None, 403),
        ("admin POST /types/TYPE/action", {"addProjectAccess": {"project": "red"}}, 400),
        ("admin POST /types/TYPE/action", {"removeProjectAccess": {"project": "red"}}, 400),
        (f"admin POST /types/{NONE}/action", {"addProjectAccess": {"project": "red"}}, 404),
        ("admin POST /types/TYPE/action", {"addProjectAccess": {"project": ""}}, 400),
        ("admin POST /types/TYPE/action", {"addProjectAccess": {"project": 1}}, 400),
        ("admin POST /types/TYPE/action", {"addProjectAccess": {}}, 400),
        ("admin POST /types/TYPE/action", {"junk": {}}, 400),
        ("alice POST /types/TYPE/action", {"addProjectAccess": {"project": "red"}}, 403),
    ],
    "encryption": [
        (f"admin GET /types/{NONE}/encryption", None, 404),
        ("admin GET /types/TYPE/encryption/cipher", None, 404),
        (f"admin POST /types/{NONE}/encryption", encryption(), 404),
        ("admin POST /types/TYPE/encryption", {"encryption": {}}, 400),
        ("admin POST /types/TYPE/encryption", encryption(key_size=-1), 400),
        ("admin POST /types/TYPE/encryption", encryption(key_size=HUGE), 400),
        ("admin POST /types/TYPE/encryption", encryption(key_size="x"), 400),
        ("admin POST /types/TYPE/encryption", encryption(key_size=100), 400),
        ("admin POST /types/TYPE/encryption", encryption(cipher="rot13"), 400),
        ("admin POST /types/TYPE/encryption", encryption(control_location="x"), 400),
        ("admin POST /types/TYPE/encryption", encryption(key_size="256"), 200),
        ("admin POST /types/TYPE/encryption", encryption(), 400),
        (f"admin PUT /types/TYPE/encryption/{NONE}", encryption(), 404),
        (f"admin DELETE /types/TYPE/encryption/{NONE}", None, 404),
        ("alice GET /types/TYPE/encryption", None, 403),
        ("alice POST /types/TYPE/encryption", encryption(), 403),
    ],
    "default types": [
        ("admin GET /default-types/none", None, 404),
        ("admin DELETE /default-types/none", None, 404),
        ("admin PUT /default-types/red", {"default_type": {"volume_type": NONE}}, 404),
        ("admin PUT /default-types/red", {"default_type": {}}, 400),
        ("admin PUT /default-types/red", {"default_type": {"volume_type": None}}, 400),
        ("alice PUT /default-types/red", {"default_type": {"volume_type": "TYPE"}}, 403),
        ("alice GET /default-types", None, 403), ("alice GET /default-types/red", None, 403),
    ],
    "qos specs": [
        (f"admin GET /qos-specs/{NONE}", None, 404), ("alice GET /qos-specs", None, 403),
        *(("admin POST /qos-specs", qos(name=name), 400) for name in NASTY),
        ("admin POST /qos-specs", qos(consumer="junk"), 400),
        ("admin POST /qos-specs", qos(a=1), 400),
        ("admin POST /qos-specs", qos(**{"a/b": ""}), 400),
        ("admin POST /qos-specs", {"qos_specs": {}}, 400), ("alice POST /qos-specs", qos(), 403),
        ("admin POST /qos-specs", qos(), 200), ("admin POST /qos-specs", qos(), 409),
        (f"admin PUT /qos-specs/{NONE}", {"qos_specs": {"a": "1"}}, 404),
        ("admin PUT /qos-specs/QOS", {"qos_specs": {}}, 400),
        ("admin PUT /qos-specs/QOS/delete_keys", {"keys": ["none"]}, 404),
        ("admin PUT /qos-specs/QOS/delete_keys", {"keys": []}, 400),
        ("admin PUT /qos-specs/QOS/delete_keys", {"keys": "a"}, 400),
        (f"admin PUT /qos-specs/{NONE}/delete_keys", {"keys": ["a"]}, 404),
        (f"admin DELETE /qos-specs/{NONE}", None, 404),
        ("admin DELETE /qos-specs/QOS?force=junk", None, 400),
        ("admin GET /qos-specs/QOS/associate", None, 400),
        (f"admin GET /qos-specs/QOS/associate?vol_type_id={NONE}", None, 404),
        (f"admin GET /qos-specs/{NONE}/associate?vol_type_id=TYPE", None, 404),
        ("admin GET /qos-specs/QOS/associate?vol_type_id=TYPE", None, 202),
        ("admin GET /qos-specs/QOS/associate?vol_type_id=TYPE", None, 202),
        ("admin GET /qos-specs/QOS2/associate?vol_type_id=TYPE", None, 400),
        ("admin DELETE /qos-specs/QOS", None, 400),
        ("admin GET /qos-specs/QOS/disassociate", None, 400),
        (f"admin GET /qos-specs/QOS/disassociate?vol_type_id={NONE}", None, 404),
        (f"admin GET /qos-specs/{NONE}/associations", None, 404),
        (f"admin GET /qos-specs/{NONE}/disassociate_all", None, 404),
        ("alice GET /qos-specs/QOS/associate?vol_type_id=TYPE", None, 403),
    ],
    "group types": [
        (f"alice GET /group_types/{NONE}", None, 404),
        ("alice GET /group_types/default", None, 404),
        *(("admin POST /group_types", group_type(name=name), 400) for name in NASTY),
        ("admin POST /group_types", group_type(), 202),
        ("admin POST /group_types", group_type(), 409),
        ("alice POST /group_types", group_type(), 403),
        ("admin POST /group_types", group_type(is_public="junk"), 400),
        ("admin PUT /group_types/GROUP", {"group_type": {}}, 400),
        (f"admin PUT /group_types/{NONE}", group_type(), 404),
        (f"admin DELETE /group_types/{NONE}", None, 404),
        ("alice DELETE /group_types/GROUP", None, 403),
        ("alice GET /group_types/GROUP/group_specs", None, 403),
        ("admin GET /group_types/GROUP/group_specs/none", None, 404),
        ("admin PUT /group_types/GROUP/group_specs/a", {"b": "1"}, 400),
        ("admin POST /group_types/GROUP/group_specs", {"group_specs": {"a": 1}}, 400),
        (f"admin POST /group_types/{NONE}/group_specs", {"group_specs": {"a": "1"}}, 404),
        ("admin DELETE /group_types/GROUP/group_specs/none", None, 404),
    ],
    "quotas": [
        ("bob GET /os-quota-sets/red", None, 403), ("rita GET /os-quota-sets/red", None, 200),
        ("bob GET /os-quota-sets/red/defaults", None, 403),
        ("alice GET /os-quota-sets/red?usage=junk", None, 400),
        ("alice PUT /os-quota-sets/red", {"quota_set": {"volumes": 1}}, 403),
        ("admin PUT /os-quota-sets/red", {"quota_set": {"junk": 1}}, 400),
        ("admin PUT /os-quota-sets/red", {"quota_set": {"volumes_none": 1}}, 400),
        *(("admin PUT /os-quota-sets/red", {"quota_set": {"volumes": value}}, 400)
          for value in (-2, "x", None, 1.5, HUGE, "", [], "9" * 30, "-2")),
        ("admin PUT /os-quota-sets/red", {"quota_set": {"volumes": "5"}}, 200),
        ("admin PUT /os-quota-sets/red", {}, 400), ("alice DELETE /os-quota-sets/red", None, 403),
        ("alice GET /os-quota-class-sets/default", None, 403),
        ("admin PUT /os-quota-class-sets/junk", {"quota_class_set": {"volumes": 1}}, 400),
        ("admin PUT /os-quota-class-sets/default", {"quota_class_set": {"junk": 1}}, 400),
    ],
    "services": [
        ("alice GET /os-services", None, 403),
        ("admin PUT /os-services/enable", {"host": "none", "binary": "cinder-volume"}, 404),
        ("admin PUT /os-services/disable", {"host": "store@fake", "binary": "none"}, 404),
        ("admin PUT /os-services/disable", {"host": "store@fake"}, 400),
        ("admin PUT /os-services/disable", {"binary": "cinder-volume"}, 400),
        ("admin PUT /os-services/disable-log-reason",
         {"host": "store@fake", "binary": "cinder-volume", "disabled_reason": None}, 400),
        ("admin PUT /os-services/disable-log-reason",
         {"host": "store@fake", "binary": "cinder-volume", "disabled_reason": LONG}, 400),
        ("admin PUT /os-services/junk", {}, 404),
        ("admin PUT /os-services/freeze", {"host": "none"}, 400),
        ("admin PUT /os-services/thaw", {"host": "none"}, 400),
        ("admin PUT /os-services/thaw", {"host": "store@fake"}, 400),
        ("admin PUT /os-services/freeze", {}, 400),
        ("admin PUT /os-services/freeze", {"cluster": "c"}, 404),
        ("admin PUT /os-services/failover_host", {"host": "store@fake"}, 400),
        ("admin PUT /os-services/failover", {"host": "none"}, 400),
        ("admin PUT /os-services/set-log", {"level": "junk"}, 400),
        ("admin PUT /os-services/set-log", {"level": "debug", "binary": "cinder-api"}, 400),
        ("admin PUT /os-services/set-log", {"level": "debug", "prefix": "kombu"}, 400),
        ("admin PUT /os-services/get-log", {"binary": "junk"}, 400),
        ("alice PUT /os-services/freeze", {"host": "store@fake"}, 403),
        ("alice PUT /os-services/enable", {}, 403),
    ],
    "backends": [
        ("admin GET /os-hosts/none", None, 404), ("alice GET /os-hosts", None, 403),
        ("admin PUT /os-hosts/none", {"status": "enable"}, 404),
        ("admin PUT /os-hosts/store@fake", {"status": "junk"}, 400),
        ("admin GET /capabilities/none", None, 404), ("alice GET /capabilities/none", None, 403),
        ("alice GET /scheduler-stats/get_pools", None, 403),
        ("admin GET /scheduler-stats/get_pools?detail=junk", None, 400),
        ("admin GET /scheduler-stats/get_pools?volume_type=none", None, 404),
        ("admin GET /clusters/none", None, 404), ("alice GET /clusters", None, 403),
        ("admin PUT /clusters/enable", {"name": "none"}, 404),
        ("admin PUT /clusters/disable", {}, 400),
        ("admin POST /workers/cleanup", {"junk": 1}, 400),
        ("alice POST /workers/cleanup", {}, 403), ("alice GET /extensions/none", None, 404),
    ],
    "messages": [
        (f"alice GET /messages/{NONE}", None, 404), (f"alice DELETE /messages/{NONE}", None, 404),
        ("alice GET /messages?sort=junk", None, 400), ("alice GET /messages?limit=x", None, 400),
        (f"alice GET /messages?marker={NONE}", None, 404),
        (f"rita DELETE /messages/{NONE}", None, 403),
    ],
}
# What came with a microversion, and is not there in the one before.
SINCE = {
    "3.11": ["GET /group_types"], "3.3": ["GET /messages"], "3.7": ["GET /clusters"],
    "3.33": ["GET /resource_filters"], "3.62": ["GET /default-types"],
    "3.24": ["POST /workers/cleanup"],
    "3.32": ["PUT /os-services/get-log"], "3.26": ["PUT /os-services/failover"],
}


@pytest.fixture
def ids(call):
    """Ids by the word that stands for them in a path."""
    made = {}
    for name, path, body in (
        ("TYPE", "/types", type_(name="TYPE")), ("OTHER", "/types", type_(name="other")),
        ("QOS", "/qos-specs", qos(name="q1")), ("QOS2", "/qos-specs", qos(name="q2")),
        ("GROUP", "/group_types", group_type(name="g")),
    ):
        [made[name]] = [each["id"] for each in call("POST", path, body, who="admin").json.values()
                        if "id" in each]
    return made


@pytest.mark.parametrize("resource", CASES)
def test_what_is_wrong(call, ids, resource):
    wrong = []
    for request, body, code in CASES[resource]:
        who, method, path = request.split(" ")
        for name in sorted(ids, key=len, reverse=True):
            path = path.replace(name, ids[name])
        answer = call(method, path, body, who=who)
        if answer.status_code != code:
            wrong.append((request, body, code, answer.status_code, answer.json))
        elif code >= 400:
            [(kind, told)] = answer.json.items()
            assert (told["code"], bool(told["message"])) == (code, True), (request, kind)
    assert wrong == []


@pytest.mark.parametrize("since", SINCE)
def test_what_came_later_is_not_there_before(call, since):
    major, minor = map(int, since.split("."))
    for request in SINCE[since]:
        method, path = request.split(" ")
        body = {} if method in ("POST", "PUT") else None
        assert call(method, path, body, who="admin",
                    version=f"{major}.{minor - 1}").status_code == 404
        assert call(method, path, body, who="admin", version=since).status_code != 404
