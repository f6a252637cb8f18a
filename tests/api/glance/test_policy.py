"""Every rule that an operator may write is asked for: those that no endpoint names alone."""

import dataclasses

import pytest

from cairn.common.policy import Policy
from cairn.glance.app import create_app
from cairn.glance.policy import RULES

IMPORT = {"method": {"name": "web-download", "uri": "http://127.0.0.1/x"}}
TASK = {"type": "import", "input": {"import_from": "http://127.0.0.1/x",
                                    "import_from_format": "raw", "image_properties": {}}}


@pytest.fixture
def ask(glance, people, tmp_path):
    """ask(rule, method, path, who, **args) -> the status where nobody may what the rule is of."""
    def ask(rule, method, path, who="admin", **args):
        file = tmp_path / "policy.yaml"
        file.write_text(f'"{rule}": "!"\n')
        own = dataclasses.replace(glance, policy=Policy(RULES, str(file)))
        client = create_app(own, lambda h: people.get(h.get("X-Auth-Token")), {}).test_client()
        return client.open(path, method=method, headers={"X-Auth-Token": who}, **args).status_code

    return ask


@pytest.mark.parametrize(("rule", "method", "path", "body"), [
    ("get_tasks", "GET", "/v2/tasks", None),
    ("get_tasks", "GET", "/v2/images/ID/tasks", None),
    ("get_task", "GET", "/v2/tasks/any", None),
    ("add_task", "POST", "/v2/tasks", TASK),
    ("add_task", "POST", "/v2/images/ID/import", IMPORT),
    ("add_task", "POST", "/v2/images/ID/locations", {"url": "http://127.0.0.1/x"}),
    ("modify_task", "DELETE", "/v2/tasks/any", None),
    ("manage_image_cache", "GET", "/v2/cache", None),
    ("manage_image_cache", "DELETE", "/v2/cache", None),
    ("manage_image_cache", "PUT", "/v2/cache/ID", None),
])
def test_a_rule_bites(ask, make, rule, method, path, body):
    path = path.replace("ID", make())
    assert ask(rule, method, path, **({"json": body} if body else {})) == 403
