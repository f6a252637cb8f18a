"""Every documented filter of GET /servers, as an admin: what it keeps and what it does not."""

import pytest

from cairn.nova.core.server_lists import FILTERS
from cairn.nova.db.models import Server

# (query that keeps the server, query that does not)
CASES = [
    ("access_ip_v4=192.0.2.9", "access_ip_v4=192.0.2.8"),
    ("access_ip_v6=fd00::9", "access_ip_v6=fd00::8"),
    ("auto_disk_config=true", "auto_disk_config=false"),
    ("auto_disk_config=AUTO", "auto_disk_config=MANUAL"),
    ("availability_zone=nova", "availability_zone=east"),
    ("changes-before=2999-01-01T00:00:00Z", "changes-before=2000-01-01T00:00:00Z"),
    ("changes-since=2000-01-01T00:00:00Z", "changes-since=2999-01-01T00:00:00Z"),
    ("config_drive=false", "config_drive=true"), ("deleted=false", "deleted=true"),
    ("created_at=2026-01-02T03:04:05Z", "created_at=2026-01-02T03:04:06Z"),
    ("launched_at=2026-01-02T03:04:06Z", "launched_at=2026-01-02T03:04:05Z"),
    ("description=front", "description=back"), ("flavor=m1", "flavor=m2"),
    ("host=one", "host=two"), ("hostname=web", "hostname=db"), ("ip=^10\\.", "ip=^11"),
    ("ip=10.0", "ip=10.0.0.250"), ("key_name=k", "key_name=q"),
    ("launch_index=0", "launch_index=1"),
    ("kernel_id=1234", "kernel_id=4321"), ("ramdisk_id=5678", "ramdisk_id=8765"),
    ("locked=false", "locked=true"), ("locked_by=owner&deleted=true", "locked_by=owner"),
    ("name=web", "name=db"), ("node=one", "node=two"), ("power_state=1", "power_state=4"),
    ("progress=0", "progress=50"), ("project_id=red", "project_id=blue"),
    ("tenant_id=red", "tenant_id=blue"), ("reservation_id=r-1", "reservation_id=r-2"),
    ("root_device_name=/dev/vda", "root_device_name=/dev/sda"),
    ("soft_deleted=true", "soft_deleted=false&deleted=true"), ("status=ACTIVE", "status=ERROR"),
    ("status=ACTIVE&status=ERROR", "status=ERROR&status=BUILD"),
    ("tags=a", "tags=a,b"), ("tags-any=a,b", "tags-any=b"), ("not-tags=a,b", "not-tags=a"),
    ("not-tags-any=b", "not-tags-any=a,b"),
    ("task_state=spawning&deleted=true", "task_state=spawning"),
    ("terminated_at=2026-01-01T00:00:00Z&deleted=true", "terminated_at=2026-01-01T00:00:00Z"),
    ("user_id=alice", "user_id=bob"), ("vm_state=active", "vm_state=error"),
    ("vm_state=ACTIVE", "vm_state=SOFT_DELETED"),
    ("display_name=web", "display_name=db"),
    ("display_description=front", "display_description=back"),
    # Of a repeated parameter that is one value the last counts.
    ("config_drive=true&config_drive=false", "config_drive=false&config_drive=true"),
]
EMPTY = {"locked_by", "task_state", "terminated_at"}  # Nothing of them is set while it is ACTIVE.


@pytest.fixture
def listed(world, call, create):
    """listed(query) -> names of servers."""
    made = create(description="the front", accessIPv4="192.0.2.9", accessIPv6="fd00::9",
                  tags=["a"], **{"OS-DCF:diskConfig": "AUTO"})
    world.settle()
    with world.db.writing() as session:
        row = session.query(Server).one()
        row.image = {**row.image, "properties": {"kernel_id": "1234", "ramdisk_id": "5678"}}
        row.key_name, row.reservation_id = "k", "r-1"
        row.created_at = row.created_at.replace(2026, 1, 2, 3, 4, 5, 0)
        row.launched_at = row.created_at.replace(second=6)
    assert made.status_code == 202

    def listed(query):
        answer = call("GET", f"/v2.1/servers?all_tenants=1&{query}", who="admin")
        assert answer.status_code == 200, answer.json
        return [server["name"] for server in answer.json["servers"]]

    return listed


def test_each_filter(world, listed):
    image = next(iter(world.cloud.images))
    for name in ("image", "image_ref"):
        assert (listed(f"{name}={image}"), listed(f"{name}=none")) == (["web"], [])
    assert listed("ip6=.") == []  # It has none.
    wrong = [(query, kept) for pair in CASES
             for query, kept in zip(pair, (["web"], []), strict=True)
             if query.partition("=")[0] not in EMPTY and listed(query) != kept]
    assert wrong == []
    assert [name for name in EMPTY if listed(f"{name}=2026-01-01T00:00:00Z") != []] == []


def test_the_table_names_them_all():
    names = {query.partition("=")[0] for query, _ in CASES}
    assert set(FILTERS) - {"image", "uuid"} <= names


def test_bad_values_are_named(call, server):
    for query in ("changes-since=never", "ip=(", "config_drive=perhaps", "limit=x", "limit=-1",
                  "sort_key=mood", "sort_dir=up", "marker=none"):
        refused = call("GET", f"/v2.1/servers?{query}", who="admin")
        assert refused.status_code == 400
        assert query.partition("=")[0] in refused.json["badRequest"]["message"]


def test_a_tenant_filters_by_what_is_a_tenants(call, server):
    def names(query, version):
        answer = call("GET", f"/v2.1/servers?{query}", version=version)
        return [server["name"] for server in answer.json["servers"]]

    # What is not a filter of the version is let pass, as upstream does.
    assert names("vm_state=error", "2.82") == ["web"]
    assert names("vm_state=error", "2.83") == []
    assert names("host=two", "2.96") == ["web"]
    assert names("display_name=db", "2.96") == ["web"]
    assert names("ip6=.", "2.4") == ["web"]
    assert names("ip6=.", "2.5") == []
    assert names("tags=x", "2.25") == ["web"]
    assert names("tags=x", "2.26") == []
    assert names("locked=true", "2.72") == ["web"]
    assert names("locked=true", "2.73") == []


def test_an_unknown_parameter_is_refused_since_275(call, server):
    assert call("GET", "/v2.1/servers?stauts=ACTIVE", version="2.74").status_code == 200
    for path in ("servers", "servers/detail"):
        refused = call("GET", f"/v2.1/{path}?stauts=ACTIVE", version="2.75")
        assert refused.status_code == 400
        assert "stauts" in refused.json["badRequest"]["message"]
        assert call("GET", f"/v2.1/{path}?host=one&limit=5", version="2.75").status_code == 200


def test_what_changed_before_is_shown_when_it_is_gone(world, call, server):
    call("DELETE", f"/v2.1/servers/{server}")
    world.settle()

    def names(query, version="2.66"):
        answer = call("GET", f"/v2.1/servers?{query}", version=version)
        assert answer.status_code == 200, answer.json
        return [server["name"] for server in answer.json["servers"]]

    assert names("changes-before=2999-01-01T00:00:00Z") == ["web"]
    assert names("changes-since=2000-01-01T00:00:00Z") == ["web"]
    assert names("changes-before=2999-01-01T00:00:00Z", "2.65") == []
    assert names("") == []


def test_changes_end_after_they_begin(call, server):
    for path in ("/v2.1/servers", "/v2.1/servers/detail",
                 f"/v2.1/servers/{server}/os-instance-actions"):
        wrong = f"{path}?changes-since=2026-01-02T00:00:00Z&changes-before=2026-01-01T00:00:00Z"
        refused = call("GET", wrong, version="2.66")
        assert refused.status_code == 400
        assert "changes-since" in refused.json["badRequest"]["message"]
        same = f"{path}?changes-since=2026-01-01T00:00:00Z&changes-before=2026-01-01T00:00:00Z"
        assert call("GET", same, version="2.66").status_code == 200


@pytest.mark.parametrize("key", ["locked", "kernel_id", "ramdisk_id", "progress"])
def test_orders_that_are_no_column(world, call, create, key):
    for name in ("a", "b", "c"):
        world.set(create(name).json["server"]["id"], launch_index=ord(name))
    with world.db.writing() as session:
        first, second, _ = session.query(Server).order_by(Server.number)
        first.locked_by = "owner"
        for row, text in ((first, "z"), (second, "y")):
            row.image = {**row.image, "properties": {"kernel_id": text, "ramdisk_id": text}}

    def names(query):
        answer = call("GET", f"/v2.1/servers?{query}", version="2.73")
        assert answer.status_code == 200, answer.json
        return [server["name"] for server in answer.json["servers"]], answer.json

    # Of those that are alike the youngest is the first.
    asked = f"sort_key={key}&sort_dir=desc"
    whole = {"locked": ["a", "c", "b"], "progress": ["c", "b", "a"]}.get(key, ["a", "b", "c"])
    assert names(asked)[0] == whole
    paged, answer = names(f"{asked}&limit=1")
    while "servers_links" in answer:
        more, answer = names(answer["servers_links"][0]["href"].partition("?")[2])
        paged += more
    assert paged == whole
    old = call("GET", f"/v2.1/servers?{asked}", version="2.72")
    assert old.status_code == (400 if key == "locked" else 200)


def test_an_order_by_hosts_is_an_admins(call, server):
    for key in ("host", "node"):
        refused = call("GET", f"/v2.1/servers?sort_key={key}")
        assert refused.status_code == 403
        assert key in refused.json["forbidden"]["message"]
        assert call("GET", f"/v2.1/servers?sort_key={key}", who="admin").status_code == 200
