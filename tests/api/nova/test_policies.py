"""Rules of parts of requests are held, and every rule that may be overridden is one that bites."""

import re
from pathlib import Path

import pytest

import cairn.nova
from cairn.common.policy import Policy
from cairn.nova.app import APIS
from cairn.nova.policy import RULES

ROOT = Path(cairn.nova.__file__).parent


def test_no_rule_is_enforced_nowhere():
    source = "\n".join(path.read_text() for path in ROOT.rglob("*.py")
                       if path.name != "policy.py")
    named = {endpoint.policy for api in APIS for endpoint in api.endpoints}
    named |= set(re.findall(r'"(os_compute_api:[a-z0-9:_-]+)"', source))
    # Named in parts: the rule of a part of POST /servers.
    named |= {f"os_compute_api:servers:create:{part}" for part in
              re.findall(r'"[a-z0-9_]+", "(attach_network|attach_volume|trusted_certs)"', source)}
    assert set(RULES) - named == set()


@pytest.fixture
def deny(world, tmp_path):
    """deny(rule): nobody may, from now on."""

    def deny(rule):
        file = tmp_path / "policy.yaml"
        file.write_text(f'"os_compute_api:{rule}": "!"\n')
        world.nova.policy.__dict__.update(Policy(RULES, str(file)).__dict__)

    return deny


@pytest.mark.parametrize(("rule", "bad", "good"), [
    ("servers:create:attach_network", {}, {"networks": "none"}),
    ("servers:create:trusted_certs", {"trusted_image_certificates": ["a"]}, {}),
    ("servers:create:attach_volume", {"block_device_mapping_v2": [
        {"source_type": "blank", "destination_type": "local", "boot_index": -1}]}, {}),
])
def test_a_part_of_a_server(create, deny, rule, bad, good):
    deny(rule)
    refused = create(**bad)
    assert refused.status_code == 403
    assert rule in refused.json["forbidden"]["message"]
    assert create(**good).status_code == 202


def test_the_lists_of_all_tenants(call, deny):
    deny("servers:index:get_all_tenants")
    assert call("GET", "/v2.1/servers?all_tenants=1", who="admin").status_code == 403
    assert call("GET", "/v2.1/servers/detail?all_tenants=1", who="admin").status_code == 200


def test_actions_of_a_server_that_is_gone_are_its_owners(world, call, server):
    call("DELETE", f"/v2.1/servers/{server}")
    world.settle()
    path = f"/v2.1/servers/{server}/os-instance-actions"
    assert call("GET", path, version="2.1").status_code == 404
    assert call("GET", path).status_code == 200
    assert call("GET", path, who="bob").status_code == 404
