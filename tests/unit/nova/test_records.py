"""Claims, quotas, and what conductors record: compare-and-set, whoever is late."""

import datetime as dt

import pytest

from cairn.common.context import Context
from cairn.common.db import utcnow
from cairn.nova.conductor.sweeper import Sweeper
from cairn.nova.core import quotas, servers, works
from cairn.nova.core.flows import reboot, stop
from cairn.nova.db.models import Usage, Work
from cairn.nova.errors import OverQuota, ServerBusy
from cairn.nova.settings import ConductorSettings

CTX = Context()


def test_the_second_claim_loses_though_it_read_the_server_free(world, alice):
    server_id = alice.boot()
    world.settle()
    seen = alice.row(server_id)
    with world.db.writing() as session:
        works.claim(session, seen, stop.ACTION)
    with pytest.raises(ServerBusy, match="powering-off"), world.db.writing() as session:
        works.claim(session, seen, reboot.ACTION)


def test_usage_never_passes_the_limit(db):
    allowed = {"instances": 2, "cores": 2, "ram": -1}
    for _ in range(2):
        with db.writing() as session:
            quotas.reserve(session, "red", quotas.of_servers(1, 512), allowed)
    with pytest.raises(OverQuota, match="instances, cores"), db.writing() as session:
        quotas.reserve(session, "red", quotas.of_servers(1, 512), allowed)
    with db.reading() as session:
        assert quotas.usage(session, "red")["ram"] == 1024


def test_a_recount_mends_usage(world, alice):
    alice.boot()
    with world.db.writing() as session:
        quotas.release(session, "red", {"instances": 5})
    assert world.db.write(quotas.recount) == 1
    assert world.db.write(quotas.recount) == 0


def test_late_words_do_not_wake_a_server_that_is_being_deleted(world, alice):
    server_id = alice.boot()
    alice.set(server_id, task_state="deleting")
    world.conductor.server_started(CTX, server_id, 1)
    assert alice.row(server_id).task_state == "deleting"
    world.conductor.task_failed(CTX, server_id, "broke")
    assert alice.row(server_id).task_state == "deleting"


def test_a_power_state_is_believed_the_second_time(world, alice):
    server_id = alice.boot()
    world.settle()
    world.conductor.sync_power(CTX, "one", {server_id: 4})
    assert alice.row(server_id).vm_state == "active"
    world.conductor.sync_power(CTX, "one", {server_id: 4})
    row = alice.row(server_id)
    assert (row.vm_state, row.power_state) == ("stopped", 4)


def test_a_host_learns_what_is_its_own(world, alice):
    server_id = alice.boot()
    world.settle()
    assert world.conductor.servers_of(CTX, "one") == [{
        "id": server_id, "domain": "instance-00000001", "vm_state": "active", "task_state": None,
        "power_state": 1, "building": False}]
    assert world.conductor.servers_of(CTX, "two") == []


def test_placement_is_told_what_changed_and_no_more(world):
    report = world.drivers["one"].report()
    world.cloud.asked.clear()
    world.conductor.report_host(CTX, "one", report)
    assert world.cloud.asked == []
    world.conductor.report_host(CTX, "one", report | {"vcpus": 2})
    provider = next(iter(world.cloud.providers.values()))
    assert provider["inventories"]["VCPU"]["total"] == 2


def test_a_provider_of_an_earlier_life_is_taken_over(world):
    world.cloud.providers["old"] = {"uuid": "old", "name": "three", "generation": 7,
                                    "inventories": {}, "traits": []}
    world.add_host("three")
    assert world.cloud.providers["old"]["inventories"]["VCPU"]["total"] == 64


def test_ports_that_neutron_changed_are_seen(world, alice):
    server_id = alice.boot()
    world.settle()
    port = next(iter(world.cloud.ports.values()))
    port["fixed_ips"][0]["ip_address"] = "10.0.0.99"
    Sweeper(world.nova, ConductorSettings()).heal()
    assert alice.row(server_id).vifs[0]["fixed_ips"][0]["address"] == "10.0.0.99"


def test_hostnames_are_what_guests_can_have():
    from cairn.nova.core.boot import hostname

    assert hostname("My Web_1.example", "id") == "my-web-1-example"
    assert hostname("Füße", "id") == "fe"
    assert hostname("---", "7bd7e6f2") == "server-7bd7e6f2"
    assert len(hostname("x" * 200, "id")) == 63


def test_a_server_deleted_behind_its_hosts_back_ends_there_too(world, alice):
    server_id = alice.boot()
    world.settle()
    driver = world.drivers["one"]
    world.workers.pop("compute.one")
    with world.db.writing() as session:
        servers.finish_delete(session, server_id)
    world.conductor.sync_power(CTX, "one", driver.power_states())
    world.conductor.sync_power(CTX, "one", driver.power_states())
    assert alice.open_works() == 1
    world.add_host("one").domains.update(driver.domains)
    world.settle()
    assert world.drivers["one"].domains == {}
    assert alice.open_works() == 0


def test_a_first_use_by_two_at_once_is_no_refusal(db, monkeypatch):
    """The other makes the usage row between our UPDATE and our INSERT."""
    allowed = {"instances": 2, "cores": 2, "ram": -1}
    with db.writing() as session:
        real, calls = session.execute, []

        def execute(statement, *args, **options):
            if statement.is_update and not calls:
                calls.append(1)
                answer = real(statement, *args, **options)
                session.add(Usage(project_id="red", instances=0, cores=0, ram=0))
                session.flush()
                return answer
            return real(statement, *args, **options)

        monkeypatch.setattr(session, "execute", execute)
        quotas.reserve(session, "red", quotas.of_servers(1, 512), allowed)
    with db.reading() as session:
        assert quotas.usage(session, "red")["instances"] == 1


def test_what_was_deleted_long_ago_is_forgotten(world, alice):
    kept, gone = alice.boot(), alice.boot()
    world.settle()
    alice.delete(gone)
    world.settle()
    later = utcnow() + dt.timedelta(days=1)
    assert world.db.write(lambda session: servers.purge(session, later)) == 1
    assert alice.row(gone) is None
    assert alice.row(kept).vm_state == "active"
    with world.db.reading() as session:
        assert {work.subject for work in session.query(Work)} == {kept}
