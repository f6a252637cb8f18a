"""What a compute or network host may ask and tell: of itself, and of nobody else.

Every message that a contract lets hosts send is sent here by a host it does not concern.
"""

import importlib
import inspect
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from fakes.nova import World
from sqlalchemy import insert, select, update

from cairn.cinder import rpc as cinder_rpc
from cairn.common import accounts
from cairn.common.context import Context
from cairn.common.db import Database
from cairn.common.errors import Problem, Refused
from cairn.common.ledger import add
from cairn.common.manage import COMPONENTS
from cairn.common.rpc import Bus, Server, Stub
from cairn.common.settings import MessagingSettings
from cairn.common.work import LOST
from cairn.neutron import rpc as neutron_rpc
from cairn.nova import rpc as nova_rpc
from cairn.nova.db.models import Base, Work, WorkStep
from cairn.nova.db.models import Server as Row
from cairn.nova.rpc import CONDUCTOR, runner_of

ROLES = Path(__file__).parents[2] / "roles"
THIEF = Context(host="two")
OWNER = Context(host="one")
CONTRACTS = [
    stub for component in ("cinder", "glance", "neutron", "nova")
    for _, stub in inspect.getmembers(importlib.import_module(f"cairn.{component}.rpc"),
                                      inspect.isclass)
    if issubclass(stub, Stub) and getattr(stub, "topic", None)
]
SAID = [(stub, method, own) for stub in CONTRACTS for method, own in stub.from_hosts.items()]


@pytest.mark.parametrize(("stub", "method", "own"), SAID)
def test_a_host_speaks_in_nobody_elses_name(stub, method, own):
    names = set(inspect.signature(getattr(stub, method)).parameters)
    assert not own or own in names
    # Whatever names a host is looked at before the manager is called.
    assert not (names & {"node", "service_host"}) or own
    server = Server(Bus(MessagingSettings("memory://")), stub, "controller", None)
    wire = Context("root", roles=frozenset({"admin"})).to_wire()
    ctx = server._admit(accounts.of_host("one"), method, wire, {own: "one"} if own else {})
    assert ctx == Context(host="one", request_id="req-none")
    for account in ("nova", "host", *([accounts.of_host("two")] if own else [])):
        with pytest.raises(Refused):
            server._admit(account, method, wire, {own: "one"})


@pytest.mark.parametrize("stub", CONTRACTS)
def test_all_else_is_for_controllers(stub):
    server = Server(Bus(MessagingSettings("memory://")), stub, "controller", None)
    methods = {name for name, _ in inspect.getmembers(stub, inspect.isfunction)
               if not name.startswith("_")} - stub.from_hosts.keys()
    for method in methods:
        with pytest.raises(Refused):
            server._admit(accounts.of_host("one"), method, Context().to_wire(), {})


# --- What the managers look at themselves ---


@pytest.fixture
def world(tmp_path):
    db = Database(f"sqlite:///{tmp_path}/nova.db")
    Base.metadata.create_all(db.engine)
    world = World(db, ("one", "two"), folder=tmp_path)
    with db.writing() as session:
        session.execute(insert(Row).values(
            id="vm", project_id="red", user_id="alice", reservation_id="r", name="vm",
            hostname="vm", vm_state="active", flavor_id="m1", flavor={"vcpus": 1, "ram": 1},
            host="one", node="one", image={"id": "img"}, user_data="c2VjcmV0", admin_pass="secret",
        ))
        add(session, Context(), Work, kind="stop", subject="vm", runner=runner_of("one"))
        session.execute(insert(WorkStep).values(
            work_id=select(Work.id).scalar_subquery(), runner=CONDUCTOR, name="host_selected",
            state="done", result={"host": "one"}))
    yield world
    db.engine.dispose()


def take(world, ctx, host):
    return world.conductor.work_take(ctx, runner_of(host), host, False)


OF_SERVERS = {
    "spec": {}, "passphrases": {}, "refresh_vifs": {}, "server_started": {"power_state": 1},
    "server_changed": {"task_state": None, "power_state": 4, "vm_state": "stopped"},
    "task_failed": {"message": "x", "vm_state": "error"}, "lend_image": {"purpose": "read"},
    "volume_swapped": {"device_id": "a", "new_device_id": "b"},
}
OF_WORKS = {"work_take", "work_change", "work_renew"}
HARMLESS = {"ring", "stray"}


def test_every_message_that_names_no_host_is_tried_here():
    unnamed = {method for method, own in nova_rpc.Conductor.from_hosts.items() if not own}
    assert unnamed == OF_SERVERS.keys() | OF_WORKS | HARMLESS
    assert {m for m, own in cinder_rpc.Scheduler.from_hosts.items() if not own} == {
        # Tried in tests/unit/cinder/test_hosts.py.
        "passphrase", "lend_image"} | OF_WORKS | {"ring"}
    assert [m for m, own in neutron_rpc.Controller.from_hosts.items() if not own] == [
        "instance_at"]


@pytest.mark.parametrize("method", OF_SERVERS)
def test_a_server_is_its_own_hosts_business(world, method):
    def state():
        with world.db.reading() as session:
            return session.execute(select(Row.__table__)).one()

    before = state()
    with pytest.raises(Problem) as refused:
        getattr(world.conductor, method)(THIEF, "vm", **OF_SERVERS[method])
    assert refused.value.code == 404
    assert state() == before
    getattr(world.conductor, method)(OWNER, "vm", **OF_SERVERS[method])


def test_a_stray_domain_is_ended_and_its_owner_not_told_of(world):
    spec = world.conductor.stray(THIEF, "vm")
    assert spec["domain"] == "instance-00000001"
    assert "secret" not in str(spec) and "c2VjcmV0" not in str(spec) and "red" not in str(spec)
    assert spec.keys() == world.conductor.spec(OWNER, "vm").keys()


def test_a_work_is_its_own_hosts_to_take_and_change(world):
    with pytest.raises(Refused):
        take(world, THIEF, "one")
    assert take(world, THIEF, "two") is None
    job = take(world, OWNER, "one")
    for wire in (job, {**job, "runner": runner_of("two")}, {**job, "runner": CONDUCTOR}):
        assert world.conductor.work_change(THIEF, "close", wire, []) == "lost"
    # A host gives no work to another, and says nothing in the conductor's name.
    assert world.conductor.work_change(OWNER, "hand", job, [runner_of("two")]) == "lost"
    assert world.conductor.work_change(OWNER, "begin", job, ["host_selected"]) == "lost"
    assert world.conductor.work_change(OWNER, "begin", job, ["stopped"]) is None
    assert world.conductor.work_change(
        OWNER, "advance", job, ["stopped", None, "host_selected"]) == "lost"
    # Every job that is asked for has an answer: silence would mean that it is still held.
    strange = {**job, "runner": CONDUCTOR, "token": "strange"}
    assert world.conductor.work_renew(OWNER, [job, strange]) == {"strange": LOST}
    assert world.conductor.work_renew(THIEF, [job]) == {job["token"]: LOST}
    # What it handed back is not its own any more.
    assert world.conductor.work_change(OWNER, "hand", job, [CONDUCTOR]) is None
    assert world.conductor.work_change(OWNER, "close", job, []) == "lost"


def test_no_work_is_made_for_a_host_on_anothers_server(world):
    with world.db.writing() as session:
        session.execute(update(Row).values(deleted=True, vm_state="deleted"))
        session.execute(update(Work).values(state="done"))
    world.conductor.sync_power(THIEF, "two", {"vm": 1})
    assert take(world, THIEF, "two") is None
    world.conductor.sync_power(OWNER, "one", {"vm": 1})
    assert take(world, OWNER, "one")["kind"] == "delete"


def test_a_host_is_one_hypervisor_and_no_controller(world):
    with pytest.raises(Refused):
        world.conductor.report_service(THIEF, "nova-conductor", "two")
    report = world.drivers["two"].report()
    with pytest.raises(Refused):
        world.conductor.report_host(THIEF, "two", {**report, "hypervisor_hostname": "one"})
    world.conductor.report_host(THIEF, "two", report)


def test_a_job_carries_no_host(world):
    assert replace(THIEF, host=None) == Context.from_wire(THIEF.to_wire())


def test_the_broker_lets_through_what_the_contracts_have():
    defaults = {name: yaml.safe_load((ROLES / name / "defaults/main.yml").read_text())
                for name in COMPONENTS}
    published = {name: of.get(f"{name}_broker", {}) for name, of in defaults.items()}
    heard = [*CONTRACTS, importlib.import_module("cairn.common.auth").Revocations]
    assert {key for theirs in published.values() for key in theirs.get("from_hosts", [])} == {
        s.topic for s in CONTRACTS if s.from_hosts}
    assert {name for theirs in published.values()
            for name in (*theirs.get("to_hosts", []), *theirs.get("to_controllers", []))} == {
        f"{s.topic}.all" for s in heard if s.to_all}
