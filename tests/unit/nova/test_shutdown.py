"""How long a guest is waited for when it is to power off."""

from functools import partial

import pytest

from cairn.nova.core import works
from cairn.nova.core.flows import reboot, stop


def wait(waited, act, spec, *, timeout):
    waited.append(timeout)
    act(spec, timeout=timeout)


@pytest.mark.parametrize(("properties", "seconds"), [
    ({}, 60.0), ({"os_shutdown_timeout": "7"}, 7.0), ({"os_shutdown_timeout": 0}, 0.0)])
def test_a_guest_gets_as_long_as_its_image_says(world, alice, monkeypatch, properties, seconds):
    alice.image = world.cloud.image(**properties)
    server = alice.boot()
    world.settle()
    driver, waited = world.drivers["one"], []
    with_each = {"reboot": driver.reboot, "stop": driver.stop}
    for name in with_each:
        monkeypatch.setattr(driver, name, partial(wait, waited, with_each[name]))
    for action, args in ((reboot, {"hard": True}), (reboot, {}), (stop, {})):
        works.ask(world.nova, alice.ctx, server, action.ACTION, args=args)
        world.settle()
    assert waited == [0, seconds, seconds]


def test_a_server_that_is_older_than_the_check_stops(world, alice):
    server = alice.boot()
    world.settle()
    alice.set(server, image=alice.row(server).image | {
        "properties": {"os_shutdown_timeout": "whenever"}})
    works.ask(world.nova, alice.ctx, server, stop.ACTION)
    world.settle()
    assert alice.row(server).vm_state == "stopped"
