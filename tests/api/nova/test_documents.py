"""What is shown of servers has, at every microversion, the keys and types that Tempest's schemas
say, and no others: for the owner, and for admins."""

import importlib

import pytest
from tempest.lib.common import jsonschema_validator

from cairn.nova.api.versions import MICROVERSIONS

# The microversions at which Tempest changes what it expects of servers.
CHANGES = (1, 3, 6, 8, 9, 16, 19, 26, 45, 47, 48, 51, 54, 57, 58, 62, 63, 70, 71, 73, 75, 79, 80,
           84, 89, 96, 97, 98, 99, 100)
JUDGE = jsonschema_validator.JSONSCHEMA_VALIDATOR
VERSIONS = sorted({*CHANGES, *(change - 1 for change in CHANGES if change > 1), 2, 90,
                   MICROVERSIONS.maximum[1]})


def schema_of(version, name):
    """Tempest's schema of that answer, that holds since the last change before the version."""
    change = max(number for number in CHANGES if number <= version)
    module = importlib.import_module(f"tempest.lib.api_schema.response.compute.v2_{change}.servers")
    schema = getattr(module, name)
    return schema["status_code"], schema["response_body"]


def judge(version, name, answer):
    """What is wrong with an answer."""
    codes, schema = schema_of(version, name)
    assert answer.status_code in codes, answer.json
    return [f"2.{version} {name} {error.json_path}: {error.message[:200]}" for error in
            JUDGE(schema, format_checker=jsonschema_validator.FORMAT_CHECKER).iter_errors(
                answer.json)]


@pytest.fixture
def rich(world, call, create):
    """The id of a server that has some of everything."""
    call("POST", "/v2.1/os-keypairs", {"keypair": {"name": "k"}}, version="2.2")
    group = call("POST", "/v2.1/os-server-groups", {
        "server_group": {"name": "g", "policy": "affinity"}}).json["server_group"]["id"]
    made = create(key_name="k", tags=["a"], metadata={"role": "db"}, description="d",
                  user_data="IyE=", config_drive=True, accessIPv4="192.0.2.9",
                  availability_zone="nova", trusted_image_certificates=["c"],
                  **{"os:scheduler_hints": {"group": group}})
    assert made.status_code == 202, made.json
    world.settle()
    return made.json["server"]["id"]


@pytest.mark.parametrize("who", ["alice", "admin"])
def test_documents(world, call, rich, who):
    path, everything = f"/v2.1/servers/{rich}", "all_tenants=1" if who == "admin" else ""
    image = next(iter(world.cloud.images))
    wrong = []
    for version in VERSIONS:
        def ask(method, path, body=None, version=version):
            return call(method, path, body, who=who, version=f"2.{version}")

        actions = ask("GET", f"{path}/os-instance-actions")
        request = actions.json["instanceActions"][-1]["request_id"]
        for name, answer in (
            ("list_servers", ask("GET", f"/v2.1/servers?{everything}")),
            ("list_servers_detail", ask("GET", f"/v2.1/servers/detail?{everything}")),
            ("get_server", ask("GET", path)),
            ("update_server", ask("PUT", path, {"server": {"name": "new"}})),
            ("list_instance_actions", actions),
            ("show_instance_action", ask("GET", f"{path}/os-instance-actions/{request}")),
        ):
            wrong += judge(version, name, answer)
        if who == "admin" and version >= 48:
            wrong += judge(version, "show_server_diagnostics", ask("GET", f"{path}/diagnostics"))
        rebuilt = ask("POST", f"{path}/action", {"rebuild": {"imageRef": image}})
        wrong += judge(version, "rebuild_server_with_admin_pass", rebuilt)
        world.settle()
    assert wrong == []
