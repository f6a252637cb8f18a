"""What each resource answers to what is wrong: the codes of the API reference and of upstream's
gabbi tests, by resource."""

import pytest

NONE = "7bd7e6f2-6f0b-4c0e-a9ba-0a7f4f2cbb0f"  # A uuid of nothing.
CONSUMER = "11111111-1111-1111-1111-111111111111"  # Has 2 VCPU of RP.
FREE = "22222222-2222-2222-2222-222222222222"  # A consumer of nothing yet.
AGGREGATE = "33333333-3333-3333-3333-333333333333"
LONG = "CUSTOM_" + "A" * 249  # 256 characters.
MOST = 2147483648
CONFLICT = "placement.concurrent_update"


def stock(**more):
    return {"resource_class": "MEMORY_MB", "total": 100, **more}


def whole(inventories, generation="GEN", **more):
    return {"resource_provider_generation": generation, "inventories": inventories, **more}


def claim(resources=None, generation=None, provider="RP", **more):
    """The body of an allocation; what is None of `more` is left out."""
    body = {"allocations": {provider: {"resources": resources or {"VCPU": 1}}},
            "project_id": "red", "user_id": "alice", "consumer_type": "INSTANCE",
            "consumer_generation": generation, **more}
    return {name: value for name, value in body.items() if value is not LEFT_OUT}


LEFT_OUT = object()


def old(resources, provider="RP"):
    """The body of an allocation before 1.8."""
    return {"allocations": [{"resource_provider": {"uuid": provider}, "resources": resources}]}


def moved(inventories=None, allocations=None, **more):
    given = {"RP": whole({"VCPU": {"total": 8}})} if inventories is None else inventories
    return {"inventories": given, "allocations": allocations or {}, **more}


CANDIDATES = "nova GET /allocation_candidates?"
# (who[@version], method and path; body; code[; its stable name]), one after the other.
CASES = {
    "providers": [
        ("nova GET /resource_providers/{NONE}", None, 404),
        ("nova GET /resource_providers/random_sauce", None, 404),
        ("alice GET /resource_providers", None, 403),
        ("alice POST /resource_providers", {}, 403),
        ("nova GET /resource_providers?uuid=spameggs", None, 400),
        ("nova GET /resource_providers?spam=eggs", None, 400),
        ("nova GET /resource_providers?in_tree=x", None, 400),
        ("nova@1.13 GET /resource_providers?in_tree={RP}", None, 400),
        ("nova GET /resource_providers?member_of=not+a+uuid", None, 400),
        ("nova GET /resource_providers?member_of=", None, 400),
        ("nova GET /resource_providers?member_of={AGG},{AGG}", None, 400),
        ("nova GET /resource_providers?member_of=in:{AGG},!{AGG}", None, 400),
        ("nova GET /resource_providers?member_of=!(^o^)", None, 400),
        ("nova@1.1 GET /resource_providers?member_of=in:{AGG}", None, 400),
        ("nova@1.23 GET /resource_providers?member_of={AGG}&member_of={AGG}", None, 400),
        ("nova@1.31 GET /resource_providers?member_of=!{AGG}", None, 400),
        ("nova@1.3 GET /resource_providers?resources=VCPU:1", None, 400),
        ("nova GET /resource_providers?resources=", None, 400),
        ("nova GET /resource_providers?resources=VCPU", None, 400),
        ("nova GET /resource_providers?resources=VCPU:x", None, 400),
        ("nova GET /resource_providers?resources=VCPU:0", None, 400),
        ("nova GET /resource_providers?resources=VCPU:1:2", None, 400),
        ("nova GET /resource_providers?resources=MCPU:1", None, 400),
        ("nova GET /resource_providers?required=", None, 400),
        ("nova GET /resource_providers?required=STORAGE_DISK_SSD,,HW_CPU_X86_SSE", None, 400),
        ("nova GET /resource_providers?required=BOGUS_TRAIT", None, 400),
        ("nova@1.17 GET /resource_providers?required=HW_CPU_X86_SSE", None, 400),
        ("nova@1.21 GET /resource_providers?required=!HW_CPU_X86_SSE", None, 400),
        ("nova@1.38 GET /resource_providers?required=in:HW_CPU_X86_SSE", None, 400),
        ("nova GET /resource_providers?required=in:!HW_CPU_X86_SSE", None, 400),
        ("nova GET /resource_providers?required=HW_CPU_X86_SSE,!HW_CPU_X86_SSE", None, 400),
        ("nova POST /resource_providers", {"name": "rp"}, 409, "placement.duplicate_name"),
        ("nova POST /resource_providers", {"name": "x", "uuid": "RP"}, 409),
        ("nova POST /resource_providers", {"name": "x", "uuid": "this is no uuid"}, 400),
        ("nova POST /resource_providers", {"name": "x" * 201}, 400),
        ("nova POST /resource_providers", {"name": 1}, 400),
        ("nova POST /resource_providers", {}, 400),
        ("nova POST /resource_providers", {"name": "x", "cow": 1}, 400),
        ("nova POST /resource_providers", '{"foo": }', 400),
        ("nova POST /resource_providers", {"name": "x", "parent_provider_uuid": "NONE"}, 400),
        ("nova POST /resource_providers",
         {"name": "x", "uuid": "NONE", "parent_provider_uuid": "NONE"}, 400),
        ("nova@1.13 POST /resource_providers", {"name": "x", "parent_provider_uuid": "RP"}, 400),
        ("nova PUT /resource_providers/{NONE}", {"name": "x"}, 404),
        ("nova PUT /resource_providers/{RP}", {"badfield": "x"}, 400),
        ("nova PUT /resource_providers/{RP}", {"name": "x", "uuid": "NONE"}, 400),
        ("nova PUT /resource_providers/{RP}", {"name": "x" * 201}, 400),
        ("nova PUT /resource_providers/{RP}", {"name": "child"}, 409, "placement.duplicate_name"),
        ("nova PUT /resource_providers/{RP}", {"name": "rp", "root_provider_uuid": "RP"}, 400),
        ("nova PUT /resource_providers/{RP}", {"name": "rp", "parent_provider_uuid": "NONE"}, 400),
        ("nova PUT /resource_providers/{RP}", {"name": "rp", "parent_provider_uuid": "RP"}, 400),
        ("nova PUT /resource_providers/{RP}", {"name": "rp", "parent_provider_uuid": "CHILD"}, 400),
        ("nova@1.13 PUT /resource_providers/{CHILD}",
         {"name": "child", "parent_provider_uuid": "RP"}, 400),
        ("nova@1.36 PUT /resource_providers/{CHILD}",
         {"name": "child", "parent_provider_uuid": None}, 400),
        ("nova@1.36 PUT /resource_providers/{CHILD}",
         {"name": "child", "parent_provider_uuid": "OTHER"}, 400),
        ("nova DELETE /resource_providers/{NONE}", None, 404),
        ("nova DELETE /resource_providers/{OTHER}", None, 409, "placement.resource_provider.inuse"),
        ("nova DELETE /resource_providers/{RP}", None, 409,
         "placement.resource_provider.cannot_delete_parent"),
    ],
    "inventories": [
        ("nova GET /resource_providers/{NONE}/inventories", None, 404),
        ("nova GET /resource_providers/{NONE}/usages", None, 404),
        ("nova GET /resource_providers/{RP}/inventories/MEMORY_MB", None, 404),
        ("nova GET /resource_providers/{RP}/inventories/HOUSE", None, 404),
        ("nova GET /resource_providers/{NONE}/inventories/VCPU", None, 404),
        ("nova POST /resource_providers/{NONE}/inventories", stock(), 404),
        ("nova POST /resource_providers/{RP}/inventories", stock(resource_class="VCPU"), 409),
        ("nova POST /resource_providers/{RP}/inventories", stock(reserved=512), 400),
        ("nova@1.25 POST /resource_providers/{RP}/inventories", stock(reserved=100), 400),
        ("nova POST /resource_providers/{RP}/inventories", {"resource_class": "MEMORY_MB"}, 400),
        ("nova POST /resource_providers/{RP}/inventories", {"total": 1}, 400),
        ("nova POST /resource_providers/{RP}/inventories", stock(total=-1), 400),
        *(("nova POST /resource_providers/{RP}/inventories", stock(**{field: 0}), 400)
          for field in ("total", "min_unit", "max_unit", "step_size")),
        *(("nova POST /resource_providers/{RP}/inventories", stock(**{field: MOST}), 400)
          for field in ("total", "reserved", "min_unit", "max_unit", "step_size")),
        ("nova POST /resource_providers/{RP}/inventories", stock(allocation_ratio=3.40282e39), 400),
        ("nova POST /resource_providers/{RP}/inventories", stock(total="100"), 400),
        ("nova POST /resource_providers/{RP}/inventories", stock(resource_class="bad_class"), 400),
        ("nova POST /resource_providers/{RP}/inventories",
         stock(resource_class="NO_CLASS_14"), 400),
        ("nova POST /resource_providers/{RP}/inventories", stock(cow=1), 400),
        ("nova POST /resource_providers/{RP}/inventories", '{"foo": }', 400),
        ("nova PUT /resource_providers/{RP}/inventories/VCPU",
         {"resource_provider_generation": 99, "total": 1}, 409, CONFLICT),
        ("nova PUT /resource_providers/{RP}/inventories/VCPU", {"total": 1}, 400),
        ("nova PUT /resource_providers/{RP}/inventories/VCPU", {"house": "red"}, 400),
        ("nova PUT /resource_providers/{RP}/inventories/VCPU",
         {"resource_provider_generation": "GEN", "total": 8, "reserved": 9}, 400),
        ("nova PUT /resource_providers/{RP}/inventories/MEMORY_MB",
         {"resource_provider_generation": "GEN", "total": 8}, 400),
        ("nova PUT /resource_providers/{RP}/inventories/HOUSE",
         {"resource_provider_generation": "GEN", "total": 8}, 400),
        ("nova PUT /resource_providers/{NONE}/inventories/VCPU",
         {"resource_provider_generation": 0, "total": 8}, 404),
        ("nova PUT /resource_providers/{RP}/inventories", whole({}, 99), 409, CONFLICT),
        ("nova PUT /resource_providers/{RP}/inventories", whole({"HOUSE": {"total": 1}}), 400),
        ("nova PUT /resource_providers/{RP}/inventories", whole({"house": {"total": 1}}), 400),
        ("nova PUT /resource_providers/{RP}/inventories", whole({"VCPU": {"total": MOST}}), 400),
        ("nova PUT /resource_providers/{RP}/inventories", whole({"VCPU": {}}), 400),
        ("nova PUT /resource_providers/{RP}/inventories",
         whole({"VCPU": {"total": 8, "reserved": 9}}), 400),
        ("nova PUT /resource_providers/{RP}/inventories", {"inventories": {}}, 400),
        ("nova PUT /resource_providers/{RP}/inventories", whole({}), 409,
         "placement.inventory.inuse"),
        ("nova PUT /resource_providers/{NONE}/inventories", whole({}, 0), 404),
        ("nova DELETE /resource_providers/{RP}/inventories/VCPU", None, 409, CONFLICT),
        ("nova DELETE /resource_providers/{RP}/inventories/MEMORY_MB", None, 404),
        ("nova DELETE /resource_providers/{RP}/inventories/HOUSE", None, 404),
        ("nova DELETE /resource_providers/{NONE}/inventories/VCPU", None, 404),
        ("nova DELETE /resource_providers/{RP}/inventories", None, 409,
         "placement.inventory.inuse"),
        ("nova DELETE /resource_providers/{NONE}/inventories", None, 404),
        ("nova@1.4 DELETE /resource_providers/{RP}/inventories", None, 405),
        ("alice PUT /resource_providers/{RP}/inventories", whole({}), 403),
        ("alice DELETE /resource_providers/{RP}/inventories", None, 403),
    ],
    "classes": [
        ("nova@1.1 GET /resource_classes", None, 404),
        ("nova@1.1 POST /resource_classes", {"name": "CUSTOM_X"}, 404),
        ("nova@1.1 GET /resource_classes/CUSTOM_FREE", None, 404),
        ("nova@1.1 PUT /resource_classes/CUSTOM_FREE", {"name": "CUSTOM_X"}, 404),
        ("nova@1.1 DELETE /resource_classes/CUSTOM_FREE", None, 404),
        ("alice GET /resource_classes", None, 403),
        ("nova GET /resource_classes/CUSTOM_NONE", None, 404),
        ("nova POST /resource_classes", {"name": "CUSTOM_FREE"}, 409),
        ("nova POST /resource_classes", {"name": "CUSTOM_Illegal&@!Name?"}, 400),
        ("nova POST /resource_classes", {"name": "IRON_NFV"}, 400),
        ("nova POST /resource_classes", {"name": LONG}, 400),
        ("nova POST /resource_classes", {"name": "CUSTOM_X", "additional": "x"}, 400),
        ("nova POST /resource_classes", {}, 400),
        ("nova POST /resource_classes", '{"foo": }', 400),
        ("nova@1.6 PUT /resource_classes/VCPU", {"name": "VCPU_ALTERNATE"}, 400),
        ("nova@1.6 PUT /resource_classes/VCPU", {"name": "CUSTOM_X"}, 400),
        ("nova@1.6 PUT /resource_classes/CUSTOM_FREE", {"name": "VCPU"}, 400),
        ("nova@1.6 PUT /resource_classes/CUSTOM_FREE", {"name": "CUSTOM_USED"}, 409),
        ("nova@1.6 PUT /resource_classes/CUSTOM_FREE", {"name": "CUSTOM_X", "more": "x"}, 400),
        ("nova@1.6 PUT /resource_classes/CUSTOM_FREE", {"name": LONG}, 400),
        ("nova@1.6 PUT /resource_classes/CUSTOM_NONE", {"name": "CUSTOM_X"}, 404),
        ("nova PUT /resource_classes/VCPU", None, 400),
        ("nova PUT /resource_classes/bad", None, 400),
        (f"nova PUT /resource_classes/{LONG}", None, 400),
        ("nova DELETE /resource_classes/VCPU", None, 400),
        ("nova DELETE /resource_classes/CUSTOM_NONE", None, 404),
        ("nova DELETE /resource_classes/CUSTOM_USED", None, 409),
    ],
    "traits": [
        ("nova@1.5 GET /traits", None, 404), ("nova@1.5 GET /traits/CUSTOM_T", None, 404),
        ("nova@1.5 PUT /traits/CUSTOM_X", None, 404), ("nova@1.5 DELETE /traits/X", None, 404),
        ("nova@1.5 GET /resource_providers/{RP}/traits", None, 404),
        ("nova@1.5 PUT /resource_providers/{RP}/traits", {}, 404),
        ("nova@1.5 DELETE /resource_providers/{RP}/traits", None, 404),
        ("alice GET /traits", None, 403),
        ("nova GET /traits/NON_EXISTED", None, 404),
        ("nova GET /traits?name=in_abc", None, 400),
        ("nova GET /traits?associated=xyz", None, 400),
        ("nova GET /traits?invalid=abc", None, 400),
        ("nova PUT /traits/TRAIT_X", None, 400), ("nova PUT /traits/CUSTOM_ABC:1", None, 400),
        (f"nova PUT /traits/{LONG}", None, 400),
        ("nova DELETE /traits/CUSTOM_NONE", None, 404),
        ("nova DELETE /traits/HW_CPU_X86_SSE", None, 400),
        ("nova DELETE /traits/CUSTOM_T", None, 409),
        ("nova GET /resource_providers/{NONE}/traits", None, 404),
        ("nova DELETE /resource_providers/{NONE}/traits", None, 404),
        ("nova PUT /resource_providers/{NONE}/traits",
         {"traits": [], "resource_provider_generation": 0}, 404),
        ("nova PUT /resource_providers/{RP}/traits", {"traits": ["CUSTOM_T"]}, 400),
        ("nova PUT /resource_providers/{RP}/traits", {"resource_provider_generation": 0}, 400),
        ("nova PUT /resource_providers/{RP}/traits",
         {"traits": [], "resource_provider_generation": "x"}, 400),
        ("nova PUT /resource_providers/{RP}/traits",
         {"traits": [], "resource_provider_generation": 99}, 409, CONFLICT),
        ("nova PUT /resource_providers/{RP}/traits",
         {"traits": ["NON_EXISTED"], "resource_provider_generation": "GEN"}, 400),
        ("nova PUT /resource_providers/{RP}/traits",
         {"traits": "CUSTOM_T", "resource_provider_generation": "GEN"}, 400),
        ("nova PUT /resource_providers/{RP}/traits",
         {"traits": [], "resource_provider_generation": "GEN", "additional": "x"}, 400),
    ],
    "aggregates": [
        ("nova@1.0 GET /resource_providers/{RP}/aggregates", None, 404),
        ("nova@1.0 PUT /resource_providers/{RP}/aggregates", [], 404),
        ("nova GET /resource_providers/{NONE}/aggregates", None, 404),
        ("nova@1.18 PUT /resource_providers/{NONE}/aggregates", [], 404),
        ("nova@1.18 PUT /resource_providers/{RP}/aggregates", ["not a uuid"], 400),
        ("nova@1.18 PUT /resource_providers/{RP}/aggregates", ["AGG", "AGG"], 400),
        ("nova@1.18 PUT /resource_providers/{RP}/aggregates", {"aggregates": []}, 400),
        ("nova PUT /resource_providers/{RP}/aggregates", [], 400),
        ("nova PUT /resource_providers/{RP}/aggregates", {"aggregates": []}, 400),
        ("nova PUT /resource_providers/{RP}/aggregates",
         {"aggregates": [], "resource_provider_generation": 99}, 409, CONFLICT),
        ("nova PUT /resource_providers/{RP}/aggregates",
         {"aggregates": ["x"], "resource_provider_generation": "GEN"}, 400),
        ("nova PUT /resource_providers/{NONE}/aggregates",
         {"aggregates": [], "resource_provider_generation": 0}, 404),
        ("alice GET /resource_providers/{RP}/aggregates", None, 403),
    ],
    "allocations": [
        ("nova GET /allocations", None, 405), ("nova@1.12 POST /allocations", {}, 404),
        ("nova GET /resource_providers/{NONE}/allocations", None, 404),
        ("nova DELETE /allocations/{NONE}", None, 404),
        ("alice GET /allocations/{CONSUMER}", None, 403),
        ("alice PUT /allocations/{FREE}", claim(), 403),
        ("nova PUT /allocations/x", claim(), 400),
        ("nova PUT /allocations/{FREE}", {}, 400),
        ("nova PUT /allocations/{FREE}", '{"foo": }', 400),
        ("nova@1.7 PUT /allocations/{FREE}", {"allocations": []}, 400),
        ("nova@1.7 PUT /allocations/{FREE}", {"allocations": [{"resources": {"VCPU": 1}}]}, 400),
        ("nova@1.7 PUT /allocations/{FREE}",
         {"allocations": [{"resource_provider": {"uuid": "RP"}}]}, 400),
        ("nova@1.7 PUT /allocations/{FREE}", old({"cow": 1}), 400),
        ("nova@1.7 PUT /allocations/{FREE}", old({"VCPU": 0}), 400),
        ("nova@1.7 PUT /allocations/{FREE}", old({"COWS": 1}), 400),
        ("nova@1.7 PUT /allocations/{FREE}", old({"MEMORY_MB": 1}), 409),
        ("nova@1.7 PUT /allocations/{FREE}", old({"VCPU": 1}, "NONE"), 400),
        ("nova@1.7 PUT /allocations/{FREE}", old({"VCPU": 1}) | {"project_id": "red"}, 400),
        ("nova@1.8 PUT /allocations/{FREE}", old({"VCPU": 1}), 400),
        ("nova@1.12 PUT /allocations/{FREE}",
         old({"VCPU": 1}) | {"project_id": "red", "user_id": "alice"}, 400),
        ("nova@1.27 PUT /allocations/{FREE}",
         {"allocations": {}, "project_id": "red", "user_id": "alice"}, 400),
        ("nova@1.33 PUT /allocations/{FREE}",
         claim(consumer_type=LEFT_OUT, mappings={"": ["RP"]}), 400),
        ("nova PUT /allocations/{FREE}", claim(mappings={}), 400),
        ("nova PUT /allocations/{FREE}", claim(mappings={"alpha": "beta"}), 400),
        ("nova PUT /allocations/{FREE}", claim(consumer_generation=LEFT_OUT), 400),
        ("nova PUT /allocations/{FREE}", claim(consumer_type=LEFT_OUT), 400),
        ("nova@1.37 PUT /allocations/{FREE}", claim(), 400),
        ("nova PUT /allocations/{FREE}", claim(consumer_type="instance"), 400),
        ("nova PUT /allocations/{FREE}", claim(project_id=""), 400),
        ("nova PUT /allocations/{FREE}", claim(user_id="x" * 256), 400),
        ("nova PUT /allocations/{FREE}", claim(generation=5), 409, CONFLICT),
        ("nova PUT /allocations/{CONSUMER}", claim(), 409, CONFLICT),
        ("nova PUT /allocations/{CONSUMER}", claim(generation=12), 409, CONFLICT),
        ("nova PUT /allocations/{FREE}", claim({"COWS": 12}), 400),
        ("nova PUT /allocations/{FREE}", claim({"MEMORY_MB": 12}), 409),
        ("nova PUT /allocations/{FREE}", claim({"VCPU": 7}), 409),
        ("nova PUT /allocations/{FREE}", claim({"DISK_GB": 5}), 409),
        ("nova PUT /allocations/{FREE}", claim({"DISK_GB": 60}), 409),
        ("nova PUT /allocations/{FREE}", claim({"DISK_GB": 15}), 409),
        ("nova PUT /allocations/{FREE}", claim(provider="NONE"), 400),
        ("nova PUT /allocations/{FREE}", claim(provider="x"), 400),
        ("nova POST /allocations", {}, 400),
        ("nova POST /allocations", {"x": claim()}, 400),
        ("nova POST /allocations", {"FREE": claim(consumer_type=LEFT_OUT)}, 400),
        ("nova POST /allocations", {"FREE": claim(consumer_type="instance")}, 400),
        ("nova POST /allocations", {"FREE": claim(generation=5)}, 409, CONFLICT),
        ("nova POST /allocations", {"FREE": claim({"VCPU": 7})}, 409),
        ("nova POST /allocations", {"FREE": claim(), "CONSUMER": claim()}, 409, CONFLICT),
        ("nova POST /allocations", {"FREE": claim(provider="NONE")}, 400),
        ("alice POST /allocations", {"FREE": claim()}, 403),
        # None of all that left anything behind.
        ("nova DELETE /allocations/{FREE}", None, 404),
    ],
    "candidates": [
        ("nova@1.8 GET /allocation_candidates?resources=VCPU:1", None, 404),
        ("alice GET /allocation_candidates?resources=VCPU:1", None, 403),
        ("nova@1.10 GET /allocation_candidates", None, 400),
        ("nova@1.15 GET /allocation_candidates?resources=VCPU:1&limit=5", None, 400),
        ("nova@1.16 GET /allocation_candidates?resources=VCPU:1&required=HW_CPU_X86_SSE",
         None, 400),
        ("nova@1.17 GET /allocation_candidates?resources=VCPU:1&required=!HW_CPU_X86_SSE",
         None, 400),
        ("nova@1.20 GET /allocation_candidates?resources=VCPU:1&member_of={AGG}", None, 400),
        ("nova@1.24 GET /allocation_candidates?resources=VCPU:1&resources1=VCPU:1", None, 400),
        ("nova@1.24 GET /allocation_candidates?resources=VCPU:1&required2=HW_CPU_X86_SSE",
         None, 400),
        ("nova@1.24 GET /allocation_candidates?resources=VCPU:1&member_of3={AGG}", None, 400),
        ("nova@1.24 GET /allocation_candidates?resources=VCPU:1&group_policy=none", None, 400),
        ("nova@1.25 GET /allocation_candidates?resources01=VCPU:1", None, 400),
        ("nova@1.25 GET /allocation_candidates?resources1a=VCPU:1", None, 400),
        ("nova@1.25 GET /allocation_candidates?required=FOO&required1=BAR", None, 400),
        ("nova@1.25 GET /allocation_candidates?member_of={AGG}&member_of3={AGG}", None, 400),
        ("nova@1.25 GET /allocation_candidates?group_policy=isolate", None, 400),
        ("nova@1.30 GET /allocation_candidates?resources=VCPU:1&in_tree={RP}", None, 400),
        ("nova@1.31 GET /allocation_candidates?resources=VCPU:1&member_of=!in:{AGG}", None, 400),
        ("nova@1.32 GET /allocation_candidates?resources_A=VCPU:1", None, 400),
        ("nova@1.34 GET /allocation_candidates?resources=VCPU:1&root_required=HW_CPU_X86_SSE",
         None, 400),
        ("nova@1.35 GET /allocation_candidates?resources_A=VCPU:1&same_subtree=_A", None, 400),
        (f"{CANDIDATES}resources=", None, 400), (f"{CANDIDATES}resources=MCPU:99", None, 400),
        *((f"{CANDIDATES}resources=VCPU:1&limit={limit}", None, 400)
          for limit in ("cow", "-99", "0", "")),
        *((f"{CANDIDATES}resources=VCPU:1&required={names}", None, 400)
          for names in ("", ",,", "INVALID_TRAIT", "!", "HW_CPU_X86_SSE,!HW_CPU_X86_SSE", "in:")),
        (f"{CANDIDATES}resources=VCPU:1&group_policy=bogus", None, 400),
        (f"{CANDIDATES}resources1=VCPU:1&resources2=VCPU:1", None, 400),
        (f"{CANDIDATES}resources=VCPU:1&in_tree=x", None, 400),
        (f"{CANDIDATES}resources_A=VCPU:1&in_tree_A=x", None, 400),
        (f"{CANDIDATES}resources=VCPU:1&member_of=x", None, 400),
        (f"{CANDIDATES}resources=VCPU:1&spam=eggs", None, 400),
        (f"{CANDIDATES}resources_{'A' * 64}=VCPU:1", None, 400),
        (f"{CANDIDATES}resources=VCPU:1&root_required=INVALID_TRAIT", None, 400),
        (f"{CANDIDATES}resources=VCPU:1&root_required=HW_CPU_X86_SSE,!HW_CPU_X86_SSE", None, 400,
         "placement.query.bad_value"),
        (f"{CANDIDATES}resources=VCPU:1&root_required=HW_CPU_X86_SSE&root_required=HW_CPU_X86_SSE",
         None, 400, "placement.query.duplicate_key"),
        (f"{CANDIDATES}required=HW_CPU_X86_SSE", None, 400, "placement.query.missing_value"),
        (f"{CANDIDATES}group_policy=none", None, 400, "placement.query.missing_value"),
        (f"{CANDIDATES}resources=VCPU:1&required_B=HW_CPU_X86_SSE", None, 400,
         "placement.query.bad_value"),
        (f"{CANDIDATES}resources_A=VCPU:1&same_subtree=_B", None, 400,
         "placement.query.bad_value"),
        (f"{CANDIDATES}resources_A=VCPU:1&same_subtree=,_A", None, 400,
         "placement.query.bad_value"),
    ],
    "usages": [
        ("nova@1.8 GET /usages?project_id=red", None, 404), ("nova GET /usages", None, 400),
        ("nova GET /usages?project_id=", None, 400),
        ("nova GET /usages?project_id=red&user_id=", None, 400),
        (f"nova GET /usages?project_id={'x' * 256}", None, 400),
        (f"nova GET /usages?project_id=red&user_id={'x' * 256}", None, 400),
        ("nova GET /usages?project_id=red&dummy=1", None, 400),
        ("nova@1.37 GET /usages?project_id=red&consumer_type=INSTANCE", None, 400),
        ("nova GET /usages?project_id=red&consumer_type=instance", None, 400),
        ("alice GET /usages?project_id=blue", None, 403),
    ],
    "reshaper": [
        ("nova@1.29 POST /reshaper", moved(), 404), ("nova GET /reshaper", None, 405),
        ("alice POST /reshaper", {}, 403), ("admin POST /reshaper", moved(), 403),
        ("nova POST /reshaper", {"cows": "moo"}, 400),
        ("nova POST /reshaper", {"inventories": {"RP": whole({})}}, 400),
        ("nova POST /reshaper", moved({}), 400), ("nova POST /reshaper", moved(cow=1), 400),
        ("nova POST /reshaper", moved({"RP": whole({"VCPU": {"total": 8}}, 99)}), 409, CONFLICT),
        ("nova POST /reshaper", moved({"RP": whole({})}), 409, "placement.inventory.inuse"),
        ("nova POST /reshaper", moved({"NONE": whole({}, 0)}), 400,
         "placement.resource_provider.not_found"),
        ("nova POST /reshaper", moved({"RP": whole({"VCPU": {"total": 8, "bad": 1}})}), 400),
        ("nova POST /reshaper", moved({"RP": whole(
            {"VCPU": {"total": 8}, "DISK_OF_STEEL": {"total": 1}})}), 400),
        ("nova POST /reshaper", moved(None, {"FREE": claim({"VCPU": 7})}), 409),
        ("nova POST /reshaper", moved(None, {"FREE": claim(generation=99)}), 409, CONFLICT),
        ("nova POST /reshaper", moved(None, {"FREE": claim(bad_field="moo")}), 400),
        ("nova POST /reshaper", moved(None, {"FREE": claim(consumer_type=LEFT_OUT)}), 400),
        ("nova@1.36 POST /reshaper", moved(None, {"FREE": claim()}), 400),
        ("nova POST /reshaper", moved(None, {"FREE": claim(provider="NONE")}), 400),
    ],
    "paths": [
        ("nova GET /moo", None, 404), ("nova DELETE /resource_providers", None, 405),
        ("nova POST /", {}, 405), ("nova POST /traits", {}, 405),
        ("nova PUT /resource_classes", {}, 405), ("nova PATCH /resource_providers/{RP}", {}, 405),
        ("nova POST /usages", {}, 405), ("nova POST /allocation_candidates", {}, 405),
        ("nobody GET /resource_providers", None, 401), ("nobody POST /resource_providers", {}, 401),
        ("nobody GET /resource_providers/{NONE}", None, 401),
    ],
}


@pytest.fixture
def world(call, provider, claim):
    """What the paths and bodies of CASES name."""
    for path in ("/resource_classes/CUSTOM_FREE", "/resource_classes/CUSTOM_USED",
                 "/traits/CUSTOM_T"):
        assert call("PUT", path).status_code == 201
    disks = {"total": 100, "min_unit": 10, "max_unit": 50, "step_size": 10}
    rp = provider("rp", stock={"VCPU": 8, "DISK_GB": disks, "CUSTOM_USED": 1},
                  traits=["CUSTOM_T"], aggregates=[AGGREGATE])
    child, other = provider("child", parent=rp), provider("other", stock={"VCPU": 8})
    for one, consumer in ((rp, CONSUMER), (other, "44444444-4444-4444-4444-444444444444")):
        assert claim({one: {"VCPU": 2}}, consumer).status_code == 204
    return {"RP": rp, "CHILD": child, "OTHER": other, "NONE": NONE, "CONSUMER": CONSUMER,
            "FREE": FREE, "AGG": AGGREGATE}


def fill(body, names):
    """The body with what `names` has instead of its names."""
    if isinstance(body, dict):
        return {fill(name, names): fill(value, names) for name, value in body.items()}
    if isinstance(body, list):
        return [fill(item, names) for item in body]
    return names.get(body, body) if isinstance(body, str) else body


@pytest.mark.parametrize("resource", CASES)
def test_what_is_wrong(call, client, world, resource):
    wrong = []
    for request, body, code, *stable in CASES[resource]:
        caller, method, path = request.split(" ")
        who, _, version = caller.partition("@")
        headers = {"X-Auth-Token": who, "OpenStack-API-Version": f"placement {version or '1.39'}"}
        generation = call("GET", f"/resource_providers/{world['RP']}").json["generation"]
        if isinstance(body, str):
            sent = {"data": body, "content_type": "application/json"}
        else:
            sent = {"json": fill(body, {**world, "GEN": generation})}
        answer = client.open(path.format(**world), method=method, headers=headers, **sent)
        if answer.status_code != code:
            wrong.append((request, body, code, answer.status_code, answer.json))
            continue
        (error,) = answer.json["errors"]
        assert (error["status"], bool(error["detail"])) == (code, True), request
        if stable:
            assert error["code"] == stable[0], (request, error)
    assert wrong == []
