"""Every failure placement can name, and how it words them.

`code` in the envelope is stable for programs, from microversion 1.23 on (API reference, "Errors").
"""

from http import HTTPStatus
from typing import Any

from cairn.common.errors import Conflict, Invalid, NotFound, Problem

UNDEFINED = "placement.undefined_code"


class ProviderNotFound(NotFound):
    message = "No resource provider with uuid {id} found."


class UnknownProvider(Invalid):
    message = "Allocation for resource provider '{id}' that does not exist."


class DuplicateName(Conflict):
    stable = "placement.duplicate_name"
    message = "Conflicting resource provider name: {name} already exists."


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
    message = "resource provider generation conflict"


class ConsumerConflict(Conflict):
    stable = "placement.concurrent_update"
    message = "consumer generation conflict - expected {expected} but got {got}"


class InventoryInUse(Conflict):
    stable = "placement.inventory.inuse"
    message = "Inventory for '{classes}' on resource provider '{id}' in use."


class InventoryNotFound(NotFound):
    message = "No inventory of class {class_} for {id}"


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
    message = "Unknown resource class in inventory for resource provider: No such resource "\
              "class {name}."


class ClassNotFound(NotFound):
    message = "No such resource class: {id}"


class TraitNotFound(NotFound):
    message = "No such trait(s): {id}"


class InUse(Conflict):
    message = "The {kind} {name} is in use by a resource provider."


def envelope(problem: Problem, request_id: str) -> dict[str, Any]:
    return {"errors": [{
        "status": problem.code, "title": HTTPStatus(problem.code).phrase,
        "detail": str(problem), "request_id": request_id,
        "code": getattr(problem, "stable", UNDEFINED),
    }]}
