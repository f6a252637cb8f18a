"""Records what this release sends, so that the next one is tested to read it.

    python tests/contract/record.py     from the top of the repository; adds, and never removes
"""

import importlib
import inspect
import json
import sys
import types
import typing
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).parent / "recorded"
# By component: each contract, and what serves it. The tests of both are made of this list.
SERVED = {
    "cinder": {
        "cairn.cinder.rpc.Scheduler": "cairn.cinder.scheduler.manager.Manager",
        "cairn.cinder.rpc.Volume": "cairn.cinder.volume.manager.Manager",
    },
    "glance": {"cairn.glance.rpc.Worker": "cairn.glance.worker.manager.Manager"},
    "keystone": {"cairn.common.auth.Revocations": "cairn.common.auth.Listener"},
    "neutron": {
        "cairn.neutron.rpc.Agent": "cairn.neutron.agent.manager.Manager",
        "cairn.neutron.rpc.Controller": "cairn.neutron.rpc_server.manager.Manager",
    },
    "nova": {
        "cairn.nova.rpc.Compute": "cairn.nova.compute.manager.Manager",
        "cairn.nova.rpc.Conductor": "cairn.nova.conductor.manager.Manager",
        "cairn.nova.rpc.Scheduler": "cairn.nova.scheduler.manager.Manager",
    },
}
SIMPLE = {str: "text", int: 1, float: 1.5, bool: True, typing.Any: {}, type(None): None}


def load(path):
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def example(kind):
    """A value of that annotation, with every field that it may have."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return example(args[0])
    if origin in (typing.NotRequired, typing.Required):
        return example(args[0])
    if typing.is_typeddict(kind):
        return {name: example(of) for name, of in typing.get_type_hints(kind).items()}
    if origin is list:
        return [example(args[0])]
    if origin is dict:
        return {example(args[0]): example(args[1])}
    return SIMPLE.get(kind, {})


def contract_messages(contract):
    from cairn.common.rpc import Stub, signature

    kernel = {name for name, _ in inspect.getmembers(Stub)}
    recorded = {}
    for name, func in inspect.getmembers(contract, inspect.isfunction):
        if not name.startswith("_") and name not in kernel:
            hints = typing.get_type_hints(func)
            recorded[name] = {arg: example(hints[arg]) for arg in signature(func) if arg != "ctx"}
    return recorded


def component_works(component):
    """By kind, the steps in order: [who does it, its name]."""
    if component == "nova":
        from cairn.nova.core.flows import actions

        return {kind: [[step.room, step.name] for step in action.steps]
                for kind, action in actions().items()}
    if component == "glance":
        from cairn.glance.worker.imports import Imports
        from cairn.glance.worker.locating import Locating

        flows = [Imports(None).flow(), Locating(None).flow()]
        return {flow.kind: [["glance", step.name] for step in flow.steps] for flow in flows}
    return {}


def example_job(kind, steps):
    """The work as it travels when all but its last step is done."""
    from cairn.common.context import Context
    from cairn.common.work import Job

    return Job(
        id="text", kind=kind, subject="text", runner=steps[-1][0], lease_holder="text", args={},
        ctx=Context("text", project_id="text"), token="text",
        results={name: {} for _, name in steps[:-1]}, begun=[tuple(step) for step in steps],
    ).to_wire()


def component_record(component):
    works = component_works(component)
    return {
        "messages": {load(path).topic: contract_messages(load(path))
                     for path in SERVED[component]},
        "works": {kind: {"steps": steps, "job": example_job(kind, steps)}
                  for kind, steps in works.items()},
    }


def add(old, new):
    """`old` and whatever of `new` it has not, in one; lists are of the newer."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    both = {key: add(old[key], new[key]) for key in old.keys() & new.keys()}
    return old | new | both


def recorded(component):
    path = FOLDER / f"{component}.json"
    return json.loads(path.read_text()) if path.exists() else {}


def main():
    sys.path.insert(0, str(ROOT / "services"))
    FOLDER.mkdir(exist_ok=True)
    for component in SERVED:
        kept = add(recorded(component), component_record(component))
        (FOLDER / f"{component}.json").write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
