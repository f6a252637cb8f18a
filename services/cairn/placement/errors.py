"""Every failure placement can name, and how it words them.

`code` in the envelope is stable for programs, from microversion 1.23 on (API reference, "Errors").
"""

from http import HTTPStatus
from typing import Any

from cairn.common.errors import (
    Conflict,
    Invalid,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    Problem,
)

UNDEFINED = "placement.undefined_code"
# With dashes or without, as clients have always been allowed to write them.
UUID_PATTERN = "^[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$"


class ProviderNotFound(NotFound):
    message = "No resource provider with uuid {id} found"


class NoProviderToDelete(NotFound):
    message = "No resource provider with uuid {id} found for delete"


class MethodRefused(MethodNotAllowed):
    message = "The method {method} is not allowed for this resource."


class UnknownProvider(Invalid):
    message = "Allocation for resource provider '{id}' that does not exist."


class NoAllocations(NotFound):
    message = "No allocations for consumer '{id}'"


class ReshapedProviderNotFound(Invalid):
    stable = "placement.resource_provider.not_found"
    message = "Resource provider {id} in inventories not found: there is no such provider."


class DuplicateProvider(Conflict):
    stable = "placement.duplicate_name"
    message = "Conflicting resource provider {what} already exists."


class ProviderInUse(Conflict):
    stable = "placement.resource_provider.inuse"
    message = "Unable to delete resource provider {id}: Resource provider has allocations."


class ProviderHasChildren(Conflict):
    stable = "placement.resource_provider.cannot_delete_parent"
    message = (
        "Unable to delete parent resource provider {id}: It has child resource providers."
    )


class GenerationConflict(Conflict):
    stable = "placement.concurrent_update"
    message = (
        "resource provider generation conflict for provider {id}: actual: {actual}, "
        "given: {given}. Resource provider's generation already changed. Please update the "
        "generation and try again."
    )


class ConsumerConflict(Conflict):
    stable = "placement.concurrent_update"
    message = "consumer generation conflict - expected {expected} but got {got}"


class InventoryExists(Conflict):
    stable = "placement.concurrent_update"
    message = "Update conflict: the provider already has an inventory of {class_}."


class InventoryInUse(Conflict):
    stable = "placement.inventory.inuse"
    message = "update conflict: Inventory for '{classes}' on resource provider '{id}' in use."


class OneInventoryInUse(Conflict):
    # Upstream names another code where one inventory is deleted.
    stable = "placement.concurrent_update"
    message = (
        "Unable to delete inventory of class {class_}: Inventory for '{class_}' on resource "
        "provider '{id}' in use."
    )


class InventoryNotFound(NotFound):
    message = "No inventory of class {class_} for {id}"


class NoInventoryToDelete(NotFound):
    message = "No inventory of class {class_} found for delete: {id} has none."


class NoInventory(Conflict):
    message = (
        "Unable to allocate inventory: Inventory for '{class_}' on resource provider '{id}' "
        "invalid."
    )


class NoCapacity(Conflict):
    message = (
        "Unable to allocate inventory: Unable to create allocation for '{class_}' on resource "
        "provider '{id}'. The requested amount would exceed the capacity."
    )


class UnitConstraint(Conflict):
    message = (
        "Unable to allocate inventory: Unable to create allocation for '{class_}' on resource "
        "provider '{id}'. The requested amount would violate inventory constraints."
    )


class UnknownClass(Invalid):
    message = "Unable to allocate inventory for consumer {consumer}: No such resource class {name}."


class UnknownClassInInventory(Invalid):
    message = (
        "Unknown resource class in inventory for resource provider {id}: No such resource "
        "class {name}."
    )


class ClassNotFound(NotFound):
    message = "No such resource class {id}."


class ClassExists(Conflict):
    message = "Conflicting resource class already exists: {name}"


class ClassNameTaken(Conflict):
    message = "Resource class already exists: {name}"


class ClassInUse(Conflict):
    message = (
        "Error in delete resource class: Cannot delete resource class {name}. Class is in use in "
        "inventory."
    )


class TraitNotFound(NotFound):
    message = "No such trait(s): {id}."


class TraitInUse(Conflict):
    message = "The trait {name} is in use by a resource provider."


class BadQuery(Invalid):
    stable = "placement.query.bad_value"


class MissingInQuery(Invalid):
    stable = "placement.query.missing_value"


class RepeatedInQuery(Invalid):
    stable = "placement.query.duplicate_key"


class VersionNotAcceptable(NotAcceptable):
    """`facts` has the lowest and the highest version that there is."""

    message = "Unacceptable version header: {asked}"


def envelope(problem: Problem, request_id: str) -> dict[str, Any]:
    title = HTTPStatus(problem.code).phrase
    error: dict[str, Any] = {
        "status": problem.code, "title": title, "detail": _detail(problem),
        "request_id": request_id,
        "code": getattr(problem, "stable", UNDEFINED),
    }
    if isinstance(problem, VersionNotAcceptable):
        error |= {"min_version": problem.facts["lowest"], "max_version": problem.facts["highest"]}
    return {"errors": [error]}


def _detail(problem: Problem) -> str:
    """The sentence, worded as clients of placement know it where a schema refused the request."""
    facts = problem.facts
    if "keyword" not in facts:
        return str(problem).replace("Malformed request body:", "Malformed JSON:")
    wrong, keyword = facts["wrong"].replace('"', "'"), facts["keyword"]
    if keyword == "minProperties":
        wrong = wrong.split(" has less than")[0] + " does not have enough properties"
    elif keyword == "enum":
        value, _, allowed = wrong.partition(" is not one of ")
        wrong = f"{value} is not one of [{allowed.replace(' or ', ', ')}]"
    elif keyword == "additionalProperties":
        names = wrong.partition("(")[2].split(" was ")[0].split(" were ")[0]
        wrong += f": {names} does not match any of the regexes or names that there are"
    elif keyword == "pattern" and UUID_PATTERN in wrong:
        wrong, keyword = wrong.split(" does not match")[0] + " is not a 'uuid'", "format"
    begin = "Invalid query string parameters" if facts["whole"] == "query" else (
        "JSON does not validate")
    place = "".join(f"['properties']['{name}']" for name in facts["where"].split(".")
                    if name != facts["whole"])
    return f"{begin}: {wrong}. Failed validating '{keyword}' in schema{place}"
