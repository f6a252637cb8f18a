"""What dnsmasq promised, after ports came and went."""

from cairn.neutron.agent.leases import kept

ONE, TWO = "fa:16:3e:00:00:05", "fa:16:3e:00:00:06"
PROMISED = (
    f"1700000000 {ONE} 10.0.0.5 web 01:{ONE}\n"
    "duid 00:01:00:01:2b:ff:00:00:fa:16:3e:00:00:01\n"
    "1700000000 12345 2001:db8::5 web 00:01:00:01:aa\n")
HOSTS = f"{ONE},set:port-h,web.example.org,10.0.0.5\n{ONE},web.example.org,[2001:db8::5]\n"


def test_what_is_still_the_ports_stays():
    assert kept(PROMISED, HOSTS, HOSTS) == PROMISED


def test_a_port_that_is_gone_leaves_nothing_but_the_servers_own_id():
    assert kept(PROMISED, HOSTS, "") == PROMISED.splitlines(keepends=True)[1]


def test_an_address_that_is_another_ports_is_promised_to_nobody():
    now = HOSTS.replace(ONE, TWO)
    assert kept(PROMISED, HOSTS, now) == PROMISED.splitlines(keepends=True)[1]


def test_a_lease_from_before_its_port_went_is_found_later_by_its_mac_address():
    now = HOSTS.replace(ONE, TWO)
    assert "10.0.0.5" not in kept(PROMISED, now, now)


def test_a_new_neighbour_changes_nothing():
    assert kept(PROMISED, HOSTS, f"{HOSTS}{TWO},other.example.org,10.0.0.6\n") == PROMISED


def of(device):
    return HOSTS.replace(ONE + ",", f"{ONE},set:device-{device},")


def test_another_server_of_the_same_port_is_another_guest():
    assert kept(PROMISED, of("a"), of("a")) == PROMISED
    assert kept(PROMISED, of("a"), of("b")) == PROMISED.splitlines(keepends=True)[1]
    assert kept(PROMISED, of("a"), HOSTS) == PROMISED.splitlines(keepends=True)[1]


def test_a_port_whose_server_was_not_said_before_keeps_its_promise():
    assert kept(PROMISED, HOSTS, of("a")) == PROMISED
