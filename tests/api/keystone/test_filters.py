"""What each list may be filtered by (Identity API v3), one row of a table for each."""

import pytest

# The list, a query, and the names of what it lets through of that which is made below.
FILTERS = [
    ("/users", "name=alice", {"alice"}),
    ("/users", "name__contains=lic", {"alice"}),
    ("/users", "domain_id=default&name__startswith=n", {"nova"}),
    ("/users", "enabled=false", {"off"}),
    ("/users", "enabled=0", {"off"}),
    ("/users", "idp_id=x", set()),
    ("/users", "name=alice&name=nova", set()),
    ("/users", "password_expires_at=lt:2020-01-01T00:00:00Z", set()),
    ("/projects", "name=red", {"red"}),
    ("/projects", "domain_id=default&name=red", {"red"}),
    ("/projects", "enabled=False", {"closed"}),
    ("/projects", "is_domain=true&name=Default", {"Default"}),
    ("/projects", "tags=a,b", {"tagged"}),
    ("/projects", "tags=a&tags=b", {"tagged"}),
    ("/projects", "tags-any=a,z", {"tagged"}),
    ("/projects", "not-tags=a&name__in=x&name=tagged", set()),
    ("/projects", "not-tags-any=z&name=tagged", {"tagged"}),
    ("/projects", "parent_id=default&name=red", {"red"}),
    ("/domains", "name=Default", {"Default"}),
    ("/domains", "enabled=true", {"Default"}),
    ("/groups", "name=crew", {"crew"}),
    ("/groups", "domain_id=default", {"crew"}),
    ("/roles", "name=reader", {"reader"}),
    ("/roles", "name__iequals=READER", {"reader"}),
    ("/services", "type=identity", {"keystone"}),
    ("/services", "name=old", {"old"}),
    ("/regions", "parent_region_id=RegionOne", {"inner"}),
    ("/endpoints", "interface=admin", set()),
    ("/endpoints", "interface=public&region_id=inner", set()),
    ("/policies", "type=text", {"text"}),
    ("/credentials", "type=totp", set()),
    ("/credentials", "type=cert", {"cert"}),
    ("/registered_limits", "resource_name=cores", {"cores"}),
    ("/registered_limits", "region_id=inner", set()),
    ("/limits", "resource_name=cores", {"cores"}),
    ("/limits", "resource_name=ram", set()),
]
LABELS = ("resource_name", "name", "type", "id")


@pytest.fixture
def filled(admin):
    admin.make("users", name="off", enabled=False)
    admin.make("projects", name="closed", enabled=False)
    tagged = admin.make("projects", name="tagged", tags=["a", "b"])
    admin.make("groups", name="crew")
    admin.make("regions", id="inner", parent_region_id="RegionOne")
    admin.ok("POST", "/policies", {"policy": {"type": "text", "blob": "x"}})
    me = admin.ok("GET", "/users?name=admin")["users"][0]["id"]
    admin.make("credentials", type="cert", blob="x", user_id=me)
    service = admin.ok("GET", "/services?type=identity")["services"][0]["id"]
    cores = {"service_id": service, "resource_name": "cores"}
    admin.ok("POST", "/registered_limits", {"registered_limits": [{**cores, "default_limit": 5}]})
    admin.ok("POST", "/limits", {"limits": [
        {**cores, "project_id": tagged["id"], "resource_limit": 7}]})
    return admin


def labels(document):
    (rows,) = (value for value in document.values() if isinstance(value, list))
    return {next(row[name] for name in LABELS if row.get(name)) for row in rows}


def test_every_documented_filter_lets_through_what_it_names(filled):
    for path, query, expected in FILTERS:
        assert labels(filled.ok("GET", f"{path}?{query}")) == expected, (path, query)


def test_a_list_has_links_to_itself_and_to_what_follows(filled):
    first = filled.ok("GET", "/users?limit=2&enabled=1&enabled=true")
    assert first["links"]["previous"] is None and first["truncated"] is True
    assert "enabled=1&enabled=true" in first["links"]["next"]
    following = filled.ok("GET", first["links"]["next"].partition("/v3")[2])
    assert not labels(first) & labels(following)
