"""Names that differ by case or a blank are different names, on a real database as well."""

import pytest
from fakes.nova import World

from cairn.nova.db.models import Base


@pytest.fixture
def world(tmp_path, mariadb):
    return World(mariadb(Base), folder=tmp_path)


def made(call, path, **body):
    answer = call("POST", f"/v2.1/{path}", body, who="admin")
    assert answer.status_code in (200, 201), answer.json
    return next(iter(answer.json.values()))


def test_aggregates(call):
    numbers = {name: made(call, "os-aggregates", aggregate={"name": name})["id"]
               for name in ("a", "A", "ä")}
    assert len(set(numbers.values())) == 3
    renamed = call("PUT", f"/v2.1/os-aggregates/{numbers['ä']}", {"aggregate": {"name": "Ä"}},
                   who="admin")
    assert renamed.json["aggregate"]["name"] == "Ä"
    again = call("POST", "/v2.1/os-aggregates", {"aggregate": {"name": "A"}}, who="admin")
    assert again.status_code == 409


def test_flavors(call):
    size = {"ram": 512, "vcpus": 1, "disk": 1, "os-flavor-access:is_public": False}
    for id_, name in (("m1", "small"), ("M1", "Small")):
        made(call, "flavors", flavor={**size, "id": id_, "name": name})
    call("POST", "/v2.1/flavors/M1/action", {"addTenantAccess": {"tenant": "red"}}, who="admin")
    seen = call("GET", "/v2.1/flavors").json["flavors"]
    assert [flavor["id"] for flavor in seen] == ["M1"]
    assert call("GET", "/v2.1/flavors/m1").status_code == 404
    assert call("DELETE", "/v2.1/flavors/M1", who="admin").status_code == 202
    assert call("GET", "/v2.1/flavors/m1", who="admin").json["flavor"]["name"] == "small"


def test_keypairs(call):
    for name in ("k", "K"):
        assert call("POST", "/v2.1/os-keypairs", {"keypair": {"name": name}},
                    version="2.1").status_code == 200
    assert call("DELETE", "/v2.1/os-keypairs/K").status_code == 204
    assert call("GET", "/v2.1/os-keypairs/k").json["keypair"]["name"] == "k"
    assert call("GET", "/v2.1/os-keypairs/K").status_code == 404


def test_a_search_for_servers_has_no_regard_to_case(call, create):
    create(name="Web", description="The Front")

    def names(query):
        answer = call("GET", f"/v2.1/servers?{query}", who="admin")
        return [server["name"] for server in answer.json["servers"]]

    for query in ("name=web", "name=^web$", "name=WEB", "description=the%20front"):
        assert names(f"all_tenants=1&{query}") == ["Web"]
    assert names("all_tenants=1&name=wob") == names("all_tenants=1&hostname=WEB") == []
