"""Every rule of the policy bites: where none allows anything, nobody gets past one."""

from dataclasses import replace

import pytest

from cairn.common.policy import Policy, Rule
from cairn.placement.app import APIS, create_app
from cairn.placement.policy import RULES

from .conftest import PEOPLE

NOBODY = Policy({name: Rule("!", rule.scopes) if name.startswith("placement:") else rule
                 for name, rule in RULES.items()})
ENDPOINTS = [endpoint for api in APIS for endpoint in api.endpoints]
# Of endpoints whose target is in their query.
QUERIES = {"placement:usages": "?project_id=red"}


@pytest.mark.parametrize("who", ["admin", "nova"])
@pytest.mark.parametrize(
    "endpoint", ENDPOINTS, ids=lambda e: f"{e.method} {e.path} {e.since} {e.until}")
def test_no_endpoint_answers_whom_its_rule_denies(placement, endpoint, who):
    client = create_app(
        replace(placement, policy=NOBODY), lambda h: PEOPLE.get(h.get("X-Auth-Token")), {},
    ).test_client()
    version = ".".join(map(str, endpoint.since or (1, 0)))
    refused = client.open(
        endpoint.path + QUERIES.get(endpoint.policy, ""), method=endpoint.method,
        **({"json": {}} if endpoint.body is not None else {}),
        headers={"X-Auth-Token": who, "OpenStack-API-Version": f"placement {version}"})
    assert refused.status_code == 403, refused.json


def test_every_rule_is_asked():
    asked = {endpoint.policy for endpoint in ENDPOINTS}
    assert asked == {rule for rule in RULES if rule.startswith("placement:")}
