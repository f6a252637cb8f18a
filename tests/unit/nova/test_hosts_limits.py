"""What a hypervisor may do is its own host's: what it is lent, and what it believes."""

import http.server
import json
import threading
from pathlib import Path
from xml.etree import ElementTree as xml

import pytest

from cairn.common.context import Context
from cairn.common.errors import Invalid, NotFound, Remote, Unavailable
from cairn.nova.compute.images import ImageCache
from cairn.nova.compute.orders import spec_of
from cairn.nova.compute.process import make_transfers
from cairn.nova.db.models import Server
from cairn.nova.drivers.libvirt import domain
from cairn.nova.drivers.libvirt.disks import Disks, qemu_img
from cairn.nova.errors import HypervisorFailed, Unsupported
from cairn.nova.settings import ComputeProcess, ComputeSettings, LibvirtSettings

SERVER = "33333333-3333-4333-8333-333333333333"
IMAGE = "11111111-1111-4111-8111-111111111111"


def lent(world, server_id, purpose):
    loan = world.conductor.lend_image(Context(), server_id, purpose)
    return loan["image_id"], world.cloud.lent[-1]


def test_a_host_holds_no_account():
    assert not hasattr(ComputeProcess(), "identity")


class TestLoans:
    def test_the_server_s_image_and_nothing_else(self, world, alice):
        server_id = alice.boot()
        image_id, requests = lent(world, server_id, "read")
        assert image_id == alice.image
        assert requests == [("GET", f"/v2/images/{alice.image}/file")]

    def test_the_image_it_is_made_into_while_it_is(self, world, alice):
        server_id = alice.boot()
        world.settle()
        with pytest.raises(NotFound):
            lent(world, server_id, "fill")
        kept = alice.snapshot(server_id)
        image_id, requests = lent(world, server_id, "fill")
        assert image_id == kept
        assert requests == [("PUT", f"/v2/images/{kept}/file"), ("GET", f"/v2/images/{kept}")]
        world.settle()
        with pytest.raises(NotFound):
            lent(world, server_id, "fill")

    @pytest.mark.parametrize("purpose", ["delete", "", "READ"])
    def test_for_nothing_else(self, world, alice, purpose):
        with pytest.raises(NotFound):
            lent(world, alice.boot(), purpose)

    def test_not_of_a_server_that_is_gone(self, world, alice):
        server_id = alice.boot()
        alice.set(server_id, deleted=True)
        with pytest.raises(NotFound):
            lent(world, server_id, "read")


class Told:
    """Stands for a conductor that says what it likes."""

    def __init__(self, **spec):
        self.told = {"id": SERVER, "domain": "instance-0000000a", **spec}

    def spec(self, ctx, server_id):
        return self.told

    def lend_image(self, ctx, server_id, purpose):
        return {"image_id": IMAGE, "url": self.url, "token": f"to {purpose}"}


class TestOrders:
    @pytest.mark.parametrize("server_id", ["..", "../../etc", "", "/etc", SERVER + "/..", None])
    def test_no_name_but_a_uuid_is_asked_about(self, server_id):
        with pytest.raises(Invalid, match="UUID"):
            spec_of(Told(), Context(), server_id)

    @pytest.mark.parametrize("told", [{"id": IMAGE}, {"id": "../x"}, {"domain": "--help"},
                                      {"domain": "other"}, {"domain": "instance-0000000a/x"}])
    def test_what_is_not_its_own_is_not_believed(self, told):
        with pytest.raises(Invalid):
            spec_of(Told(**told), Context(), SERVER)

    def test_nothing_outside_is_removed(self, tmp_path):
        precious = tmp_path / "precious"
        precious.mkdir()
        disks = Disks(tmp_path / "instances", None, "one")
        (tmp_path / "instances").mkdir()
        for name in ("../precious", str(precious), "..", "_base"):
            with pytest.raises(Invalid):
                disks.remove({"id": name})
        (tmp_path / "instances" / SERVER).symlink_to(precious)
        with pytest.raises(Invalid):
            disks.remove({"id": SERVER})
        assert precious.exists()


class Handler(http.server.BaseHTTPRequestHandler):
    asked: list = []
    code = 200

    def do_GET(self):
        self.asked.append((self.command, self.path, self.headers["X-Auth-Token"], b""))
        body = b'{"status": "active"}'
        self.send_response(self.code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append((self.command, self.path, self.headers["X-Auth-Token"], body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class TestTransfers:
    @pytest.fixture
    def reachable(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        Handler.asked, Handler.code = [], 200
        conductor = Told()
        conductor.url = f"http://127.0.0.1:{server.server_port}/v2/images/x"
        made = make_transfers(conductor, ComputeSettings(transfer_timeout=60))
        made.conductor = conductor
        yield made
        server.shutdown()
        thread.join()
        server.server_close()

    def test_each_is_asked_with_what_was_lent_for_it(self, reachable, tmp_path):
        assert b"".join(reachable.download(Context(), SERVER)) == b'{"status": "active"}'
        (tmp_path / "disk").write_bytes(b"bytes")
        reachable.upload(Context(), SERVER, tmp_path / "disk")
        assert reachable.status(Context(), SERVER) == "active"
        assert Handler.asked == [
            ("GET", "/v2/images/x/file", "to read", b""),
            ("PUT", "/v2/images/x/file", "to fill", b"bytes"),
            ("GET", "/v2/images/x", "to fill", b""),
        ]

    def test_a_refusal_is_told_and_silence_is_unavailable(self, reachable):
        Handler.code = 403
        with pytest.raises(Remote):
            b"".join(reachable.download(Context(), SERVER))
        reachable.conductor.url = "http://127.0.0.1:1"
        with pytest.raises(Unavailable):
            b"".join(reachable.download(Context(), SERVER))

    def test_it_takes_no_longer_than_it_may(self, reachable, tmp_path):
        reachable.seconds = -1
        (tmp_path / "disk").write_bytes(b"bytes")
        with pytest.raises(Unavailable):
            b"".join(reachable.download(Context(), SERVER))
        with pytest.raises(Unavailable):
            reachable.upload(Context(), SERVER, tmp_path / "disk")


def described(tmp_path, **more):
    return {
        "id": SERVER, "domain": "instance-0000000a", "name": "we\x00b\x1b", "created_at": "now",
        "user_id": "u", "project_id": "p", "vifs": [], "block_devices": [],
        "config_drive": None,
        "flavor": {"ram": 64, "vcpus": 1, "disk": 1, "ephemeral": 0, "swap": 0, "extra_specs": {}},
        "image": {"id": IMAGE, "disk_format": "raw", "checksum": "", "properties": {}}, **more,
    }


class TestDisks:
    @pytest.fixture
    def disks(self, tmp_path):
        base = tmp_path / "_base"
        base.mkdir()
        (base / f"{IMAGE}.{'0' * 64}").write_bytes(b"\0" * 4096)
        return Disks(tmp_path, ImageCache(base, None, "one"), "one")

    def document(self, disks, spec):
        return xml.fromstring(domain.document(
            spec, LibvirtSettings(), "qemu", disks.of(spec), disks.files(spec)))

    def test_the_guest_s_qemu_is_told_what_lies_below_and_may_not_own_it(self, disks, tmp_path):
        spec = described(tmp_path)
        disks.make(spec)
        below = self.document(disks, spec).find("devices/disk/backingStore")
        assert below.find("format").get("type") == "raw"
        assert below.find("source").get("file").startswith(str(tmp_path / "_base"))
        assert below.find("source/seclabel").attrib == {"model": "dac", "relabel": "no"}
        assert below.find("backingStore") is not None

    def test_a_disk_that_was_laid_upon_another_file_is_not_opened(self, disks, tmp_path):
        """Whoever breaks out of a guest writes its disk: root shall not follow it."""
        spec = described(tmp_path)
        disks.make(spec)
        secret = tmp_path / "secret"
        secret.write_bytes(b"\0" * 4096)
        qemu_img("rebase", "-u", "-f", "qcow2", "-b", str(secret), "-F", "raw",
                 str(disks.root(spec)))
        for ask in (lambda: disks.files(spec), lambda: disks.bytes_of(disks.root(spec))):
            with pytest.raises(HypervisorFailed, match="no image"):
                ask()

    def test_a_disk_whose_data_is_elsewhere_is_not_opened(self, disks, tmp_path):
        spec = described(tmp_path)
        disks.of(spec).mkdir()
        qemu_img("create", "-q", "-f", "qcow2", "-o", f"data_file={tmp_path}/secret",
                 str(disks.root(spec)), "1M")
        with pytest.raises(HypervisorFailed, match="another file"):
            disks.bytes_of(disks.root(spec))

    def test_one_that_comes_from_the_shelf_needs_its_image_no_more(self, disks, tmp_path):
        """The image is deleted then, and the server's own may be of another format."""
        base, = (tmp_path / "_base").iterdir()
        base.unlink()
        qemu_img("create", "-q", "-f", "qcow2", str(base), "1M")
        spec = described(tmp_path, copies_image=True)
        spec["image"]["disk_format"] = "qcow2"
        disks.make(spec)
        told = json.loads(qemu_img("info", "--output=json", str(disks.root(spec))))
        assert (told["format"], told["virtual-size"]) == ("qcow2", 1 << 30)
        assert "backing-filename" not in told
        base.unlink()
        assert disks.base(disks.root(spec)) is None
        assert disks.bytes_of(disks.root(spec)) > 0

    def test_one_that_lies_upon_nothing_says_so(self, disks, tmp_path):
        spec = described(tmp_path)
        spec["flavor"]["swap"] = 1
        disks.make(spec)
        swap = self.document(disks, spec).findall("devices/disk")[1]
        assert swap.find("backingStore") is not None
        assert swap.find("backingStore/source") is None


class TestDomain:
    def make(self, **more):
        return domain.document(described(Path()) | more, LibvirtSettings(), "qemu", Path("/x"), [])

    def test_a_name_s_control_characters_are_left_out(self):
        assert "<nova:name>web</nova:name>" in self.make()

    @pytest.mark.parametrize("machine", ["pc' x='", "a b", "../x", "x" * 65])
    def test_a_machine_is_a_word(self, machine):
        image = {"id": IMAGE, "disk_format": "raw", "checksum": "",
                 "properties": {"hw_machine_type": machine}}
        with pytest.raises(Unsupported, match="hw_machine_type"):
            self.make(image=image)

    @pytest.mark.parametrize(("vif", "model", "error"), [
        ({"device": "eth0"}, "virtio", Invalid), ({"device": "tap../../x"}, "virtio", Invalid),
        ({"mac": "x"}, "virtio", Invalid), ({}, "none", Unsupported),
    ])
    def test_an_interface_is_a_tap_of_ours(self, vif, model, error):
        good = {"id": "p", "mac": "fa:16:3e:00:00:01", "device": "tap12345678-90", "mtu": 1450}
        assert domain.interface(good, {}).find("target").get("dev") == "tap12345678-90"
        with pytest.raises(error):
            domain.interface(good | vif, {"hw_vif_model": model})


def test_a_server_whose_image_is_odd_can_still_be_removed(world, alice):
    server_id = alice.boot()
    world.settle()
    with world.db.writing() as session:
        row = session.query(Server).where(Server.id == server_id).one()
        row.image = row.image | {"properties": {"hw_machine_type": "a b"}, "checksum": "odd"}
    alice.delete(server_id)
    world.settle()
    assert world.drivers["one"].domains == {}
