"""Many who write the same resource at once, on a real database: nobody's change is lost."""

import threading

import pytest

from cairn.common.context import Context
from cairn.common.policy import Policy
from cairn.neutron.component import Neutron
from cairn.neutron.core import networks, ports, resources, routers, subnets, tags
from cairn.neutron.core.kinds import NETWORK
from cairn.neutron.db.models import Base
from cairn.neutron.errors import RevisionNumberConstraintFailed
from cairn.neutron.policy import RULES

CTX = Context(user_id="a", project_id="red", roles=frozenset({"admin", "member", "reader"}))
MANY = 8


class Bells:
    def changed(self, ctx, **what):
        pass


@pytest.fixture
def neutron(mariadb):
    return Neutron(db=mariadb(Base, pool_size=MANY), policy=Policy(RULES), agents=Bells())


def at_once(*works):
    """Their answers, or what they raised."""
    gate, answers = threading.Barrier(len(works)), [None] * len(works)

    def run(number, work):
        gate.wait()
        try:
            answers[number] = work()
        except Exception as raised:
            answers[number] = raised

    threads = [threading.Thread(target=run, args=each) for each in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def make(neutron, resource, **request):
    return resources.create_items(neutron, CTX, resource, [request])[0].row


def test_labels(neutron):
    network = make(neutron, networks.RESOURCE)

    def add(name):
        return lambda: tags.change_tags(neutron, CTX, networks.RESOURCE, network.id, "create",
                                        None, lambda held: [*held, name])

    names = [f"t{number}" for number in range(MANY)]
    at_once(*map(add, names))
    assert tags.list_tags(neutron, CTX, NETWORK, network.id) == names


def test_static_routes(neutron):
    network = make(neutron, networks.RESOURCE)
    subnet = make(neutron, subnets.RESOURCE, network_id=network.id, ip_version=4,
                  cidr="10.0.0.0/24")
    router = make(neutron, routers.RESOURCE)
    routers.plug(neutron, CTX, router.id, {"subnet_id": subnet.id}, None)
    routes = [{"destination": f"10.{number}.0.0/16", "nexthop": "10.0.0.9"}
              for number in range(1, MANY + 1)]
    at_once(*(lambda route=route: routers.change_routes(
        neutron, CTX, router.id, "add_extraroutes", [route], None) for route in routes))
    held = resources.find_item(neutron, CTX, routers.RESOURCE, router.id).row.routes
    assert sorted(r["destination"] for r in held) == [r["destination"] for r in routes]


def test_addresses_of_a_port(neutron):
    """One changes them while a new subnet adds one of its own."""
    network = make(neutron, networks.RESOURCE)
    four = make(neutron, subnets.RESOURCE, network_id=network.id, ip_version=4, cidr="10.0.0.0/24")
    port = make(neutron, ports.RESOURCE, network_id=network.id)
    answers = at_once(
        lambda: make(neutron, subnets.RESOURCE, network_id=network.id, ip_version=6,
                     cidr="fd00::/64", ipv6_ra_mode="slaac", ipv6_address_mode="slaac"),
        *(lambda n=n: resources.change_item(neutron, CTX, ports.RESOURCE, port.id, {
            "fixed_ips": [{"ip_address": f"10.0.0.{n}"}]}) for n in range(20, 24)))
    six = answers[0]
    held = resources.find_item(neutron, CTX, ports.RESOURCE, port.id).row.fixed_ips
    assert sorted(f["subnet_id"] for f in held) == sorted([four.id, six.id])


def test_of_those_who_hold_one_revision_one_changes_it(neutron):
    network = make(neutron, networks.RESOURCE)
    answers = at_once(*(lambda n=n: resources.change_item(
        neutron, CTX, networks.RESOURCE, network.id, {"name": f"n{n}"}, network.revision)
        for n in range(MANY)))
    late = [a for a in answers if isinstance(a, RevisionNumberConstraintFailed)]
    assert len(late) == MANY - 1
