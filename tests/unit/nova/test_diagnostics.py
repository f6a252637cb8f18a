"""What libvirt counts of a guest, in the API's words."""

import pytest

from cairn.nova.drivers.base import RUNNING
from cairn.nova.drivers.libvirt import diagnostics

XML = """<domain><devices>
  <interface type='ethernet'><mac address='fa:16:3e:00:00:01'/><target dev='tap0'/></interface>
  <interface type='ethernet'><mac address='fa:16:3e:00:00:02'/><target dev='tap1'/></interface>
</devices></domain>"""
COUNTED = {
    "state.state": 1, "cpu.time": 99, "balloon.current": 524288, "balloon.maximum": 1048576,
    "balloon.rss": 200000, "balloon.last-update": 5, "vcpu.current": 2, "vcpu.maximum": 3,
    "vcpu.0.state": 1, "vcpu.0.time": 70, "vcpu.1.state": 1, "vcpu.1.time": 29,
    "net.count": 2,
    "net.0.name": "tap1", "net.0.rx.bytes": 10, "net.0.rx.pkts": 1, "net.0.rx.errs": 2,
    "net.0.rx.drop": 3, "net.0.tx.bytes": 20, "net.0.tx.pkts": 4, "net.0.tx.errs": 5,
    "net.0.tx.drop": 6, "net.1.name": "tap0", "net.1.rx.bytes": 7,
    "block.count": 2, "block.0.name": "vda", "block.0.rd.reqs": 11, "block.0.rd.bytes": 5632,
    "block.0.wr.reqs": 12, "block.0.wr.bytes": 6144, "block.1.name": "hda",
}


def read(**more):
    counted = {**COUNTED, **{key.replace("__", "."): value for key, value in more.items()}}
    return diagnostics.read(counted, XML, {"config_drive": None}, "qemu", RUNNING)


def test_processors_that_are_on():
    told = read()
    assert (told["state"], told["num_cpus"]) == ("running", 2)
    assert told["cpu_details"] == [{"id": 0, "time": 70, "utilisation": None},
                                   {"id": 1, "time": 29, "utilisation": None}]


def test_interfaces_have_the_address_of_their_own_tap():
    first, second = read()["nic_details"]
    assert first == {
        "name": "tap1", "mac_address": "fa:16:3e:00:00:02", "rx_octets": 10, "rx_packets": 1,
        "rx_errors": 2, "rx_drop": 3, "rx_rate": None, "tx_octets": 20, "tx_packets": 4,
        "tx_errors": 5, "tx_drop": 6, "tx_rate": None}
    assert (second["mac_address"], second["rx_octets"]) == ("fa:16:3e:00:00:01", 7)
    assert second["tx_octets"] is None


def test_disks():
    first, second = read()["disk_details"]
    assert first == {"name": "vda", "read_bytes": 5632, "read_requests": 11, "write_bytes": 6144,
                     "write_requests": 12, "errors_count": None}
    assert (second["name"], second["read_bytes"]) == ("hda", None)


@pytest.mark.parametrize(("more", "used"), [
    ({}, 512), ({"balloon__available": 500 << 10, "balloon__unused": 400 << 10}, 100),
    ({"balloon__available": 500 << 10}, 512),
])
def test_memory_is_what_the_guest_says_that_it_uses(more, used):
    told = read(**more)
    assert told["memory_details"] == {"maximum": 1024, "used": used}
    assert told["memory_stats"]["actual"] == 524288
    assert told["memory_stats"]["rss"] == 200000
    assert "maximum" not in told["memory_stats"]
