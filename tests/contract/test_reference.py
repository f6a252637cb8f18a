"""docs/api is what the declarations say, and OpenAPI 3.1 as others understand it."""

import json
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from cairn.common import openapi, reference
from cairn.common.declared import declarations
from cairn.common.manage import COMPONENTS

FOLDER = Path(__file__).parents[2] / "docs/api"
COMMAND = "made anew by `PYTHONPATH=services python -m cairn.common.reference docs/api`"


def test_it_is_current():
    made = reference.pages()
    there = {path.name: path.read_text() for path in FOLDER.iterdir()}
    assert [name for name in made if made[name] != there.get(name)] == [], COMMAND
    assert there.keys() == made.keys(), COMMAND


@pytest.mark.parametrize("component", COMPONENTS)
def test_others_understand_it(component):
    document = json.loads((FOLDER / f"{component}.openapi.json").read_text())
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_declaration_is_in_it_once(component):
    document = openapi.document(component)
    operations = [operation for item in document["paths"].values()
                  for operation in item.values() if isinstance(operation, dict)]
    variants = [variant for operation in operations
                for variant in operation["x-openstack-variants"]]
    assert len(variants) == len(list(declarations(component))) > 0
    ids = [operation["operationId"] for operation in operations]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("component", COMPONENTS)
def test_whoever_needs_no_token_is_told_so(component):
    paths = openapi.document(component)["paths"]
    for declared in declarations(component):
        path = openapi.PARAMETER.sub(r"{\1}", declared.path)
        operation = paths[path][declared.endpoint.method.lower()]
        assert ("security" in operation) == (declared.endpoint.policy == "public"), path


def test_a_definition_that_means_two_things_is_refused():
    shared = openapi.Shared()
    first = {"definitions": {"thing": {"type": "string"}}, "$ref": "#/definitions/thing"}
    assert shared.take(first) == {"$ref": "#/components/schemas/thing"}
    with pytest.raises(ValueError, match="thing is defined twice"):
        shared.take({"definitions": {"thing": {"type": "integer"}}})


def test_a_parameter_is_told_with_all_the_versions_that_have_it():
    operation = openapi.document("placement")["paths"]["/placement/allocation_candidates"]["get"]
    said = {one["name"]: one for one in operation["parameters"]}
    assert said["limit"]["description"] == "In 1.16-."
    assert said["root_required"]["description"] == "In 1.35-."
    # From 1.25 on resources1 and the like will do.
    assert "required" not in said["resources"] and "^resources" in operation["description"]


def test_what_another_function_did_before_is_told_with_its_versions():
    operation = openapi.document("placement")["paths"]["/placement/resource_classes/{name}"]["put"]
    assert operation["summary"].startswith("See that a custom resource class exists")
    assert operation["description"].startswith("In 1.2-1.6: rename a custom resource class")
    assert {"200", "201", "204"} <= operation["responses"].keys()
    bodies = operation["requestBody"]
    assert bodies["content"]["application/json"]["schema"]["title"] == "1.2-1.6"
    assert "required" not in bodies
    older, newer = operation["x-openstack-variants"]
    assert (older["until"], older["status"]) == ("1.6", 200)
    assert (newer["since"], newer["status"], newer["also"]) == ("1.7", 201, [204])
    deletion = openapi.document("placement")["paths"][
        "/placement/resource_providers/{uuid}/inventories"]["delete"]
    assert deletion["description"].startswith("Until 1.4: answer 405")


def test_what_a_list_may_be_narrowed_by_is_told():
    operation = openapi.document("glance")["paths"]["/image/v2/images"]["get"]
    told = {one["name"] for one in operation["parameters"]}
    assert {"name", "status", "visibility", "member_status", "size_min", "tag", "marker"} <= told
    assert "a property of images" in operation["description"]
