import stat
from collections import Counter
from pathlib import Path

import pytest
from rich.console import Console

from cairn.deploy import demo as demos
from cairn.deploy.demo import Demo, External
from cairn.deploy.errors import Failed
from cairn.deploy.progress import Display

from .fakes import Connection, Store


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def demo(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Demo:
    connection = Connection(store)
    monkeypatch.setattr(Demo, "shell", lambda self: None)
    return Demo(
        display=Display(Console(quiet=True)),
        admin=connection,
        connect_member=lambda: connection,
        client="./cairn --name try openstack --os-cloud try-demo",
        directory=tmp_path,
        external=External("physnet1", "172.31.0.0/24", "guest"),
        password="secret",
        image_file=lambda: tmp_path / "guest.qcow2",
    )


def test_it_ends_with_a_server_that_has_a_floating_ip(demo: Demo, store: Store) -> None:
    demo.run()
    made = Counter(store.made)
    assert made["flavor"] == len(demos.FLAVORS)
    assert (made["server"], made["ip"], made["image"], made["rule"]) == (1, 1, 1, 2)
    public = store.find("network", "public")
    assert (public.provider_network_type, public.provider_physical_network) == ("flat", "physnet1")
    subnet = store.list("subnet", network_id=public.id)[0]
    assert (subnet.gateway_ip, subnet.is_dhcp_enabled) == ("172.31.0.1", False)
    assert subnet.allocation_pools == [{"start": "172.31.0.100", "end": "172.31.0.250"}]
    assert demo.address == "127.0.0.1"


def test_run_again_it_makes_nothing_more(demo: Demo, store: Store) -> None:
    demo.run()
    before = Counter(store.made)
    demo.run()
    assert Counter(store.made) == before


@pytest.mark.parametrize("step", range(1, 9))
def test_interrupted_anywhere_it_goes_on_and_makes_each_thing_once(
    demo: Demo, store: Store, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    names = ["flavors", "public_network", "project", "image", "network", "access", "server",
             "floating_ip", "shell"]

    def stop(self: Demo) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as during:
        during.setattr(Demo, names[step], stop)
        with pytest.raises(KeyboardInterrupt):
            demo.run()
    demo.run()
    made = Counter(store.made)
    assert all(made[kind] == 1 for kind in ("server", "ip", "image", "project", "user", "router"))


def test_an_image_whose_load_was_cut_off_is_loaded_anew(demo: Demo, store: Store) -> None:
    store.create("image", name="cairn-guest", status="saving")
    demo.run()
    assert [image.status for image in store.things["image"]] == ["active"]


def test_a_server_in_error_tells_its_fault(
    demo: Demo, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as during:
        during.setattr(demo.admin.compute, "fate", ("ERROR", {"message": "No valid host"}))
        with pytest.raises(Failed, match="came to ERROR: No valid host"):
            demo.run()
    demo.run()
    assert [server.status for server in store.things["server"]] == ["ACTIVE"]


def test_what_the_cloud_refuses_names_the_step(demo: Demo, store: Store) -> None:
    store.things["role"].clear()
    with pytest.raises(Failed, match="at 'A project and its user': No role found for member"):
        demo.run()


def test_the_key_is_made_once_and_for_its_owner_only(demo: Demo, store: Store) -> None:
    demo.run()
    assert stat.S_IMODE(demo.key_file.stat().st_mode) == 0o600
    first = store.things["keypair"][0].public_key
    assert first.startswith("ssh-ed25519 ")
    demo.key_file.unlink()
    demo.run()
    keypairs = [keypair.public_key for keypair in store.things["keypair"]]
    assert len(keypairs) == 1 and keypairs != [first]
