import dataclasses

import pytest
from fakes.declared import watch

from cairn.common.context import Context
from cairn.common.db import Database
from cairn.common.errors import Unauthorized
from cairn.common.policy import Policy
from cairn.neutron.app import create_app
from cairn.neutron.component import Neutron
from cairn.neutron.db.models import Base
from cairn.neutron.policy import RULES
from cairn.neutron.rpc_server.manager import Manager
from cairn.neutron.settings import NetworkSettings, QuotaSettings

POLICY = Policy(RULES)  # Read once: two hundred rules take their time.

PEOPLE = {
    "admin": Context(user_id="root", project_id="ops",
                     roles=frozenset({"admin", "manager", "member", "reader"})),
    "alice": Context(user_id="alice", project_id="red", roles=frozenset({"member", "reader"})),
    "bob": Context(user_id="bob", project_id="blue", roles=frozenset({"member", "reader"})),
    "rita": Context(user_id="rita", project_id="red", roles=frozenset({"reader"})),
    "nova": Context(user_id="nova", project_id="service", roles=frozenset({"service"})),
}

watched = pytest.fixture(autouse=True)(watch)


class Bells:
    """Stands for the doorbell to the agents: remembers what it rang for."""

    def __init__(self):
        self.rung = []

    def changed(self, ctx, *, hosts, networks, security_groups):
        self.rung.append({"hosts": hosts, "networks": networks, "groups": security_groups})


@pytest.fixture(scope="session")
def cloud():
    """One schema and one application for all tests; what they write is wiped after each."""
    db = Database("sqlite://")
    Base.metadata.create_all(db.engine)
    neutron = Neutron(
        db=db, policy=POLICY, agents=Bells(),
        settings=NetworkSettings(vlan_ranges="physnet1:100:102", vni_ranges="1:1000"),
        quota=QuotaSettings(),
    )
    yield Caller(neutron)
    db.engine.dispose()


@pytest.fixture
def neutron(cloud):
    neutron = cloud.neutron
    neutron.agents.rung.clear()
    yield neutron
    with neutron.db.writing() as session:
        session.connection().exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(table.delete())


@pytest.fixture
def limited(neutron):
    """The same cloud with other default quotas."""
    def make(**limits):
        return Caller(dataclasses.replace(neutron, quota=QuotaSettings(**limits)))

    return make


@pytest.fixture
def manager(neutron):
    return Manager(neutron)


@pytest.fixture
def hosts(manager):
    """A network node and two compute nodes that live."""
    l2 = {"agent_type": "Linux bridge agent", "binary": "neutron-agent",
          "configurations": {"bridge_mappings": {"physnet1": "br-ex"}}}
    more = [{"agent_type": kind, "binary": "neutron-agent", "configurations": {}}
            for kind in ("DHCP agent", "L3 agent", "Metadata agent")]
    manager.report_state(Context(), "net1", "10.9.0.1", True, [l2, *more])
    manager.report_state(Context(), "cmp1", "10.9.0.2", True, [l2])
    manager.report_state(Context(), "cmp2", "10.9.0.3", True, [{**l2, "configurations": {}}])
    return ["net1", "cmp1", "cmp2"]


def authenticate(headers):
    name = headers.get("X-Auth-Token")
    if name is not None and name not in PEOPLE:
        raise Unauthorized
    return PEOPLE.get(name)


class Caller:
    """HTTP as a person of PEOPLE: `api.post("alice", "/ports", {...})` is (status, document)."""

    def __init__(self, neutron):
        self.neutron = neutron
        self.client = create_app(neutron, authenticate, {}).test_client()

    def __call__(self, method, who, path, body=None, **headers):
        headers = {**headers, **({"X-Auth-Token": who} if who else {})}
        reply = self.client.open("/v2.0" + path, method=method, headers=headers, json=body)
        return reply.status_code, reply.get_json(silent=True)

    def get(self, who, path):
        status, document = self("GET", who, path)
        assert status == 200, document
        return next(iter(document.values()))

    def made(self, who, path, **attributes):
        name = path.strip("/").replace("-", "_").removesuffix("s")
        status, document = self("POST", who, path, {name: attributes})
        assert status == 201, document
        return document[name]

    def changed(self, who, path, **attributes):
        name = path.strip("/").split("/")[0].replace("-", "_").removesuffix("s")
        status, document = self("PUT", who, path, {name: attributes})
        assert status == 200, document
        return document[name]

    def gone(self, who, path):
        status, document = self("DELETE", who, path)
        assert status == 204, document

    def refused(self, method, who, path, body=None):
        """(status, type, message) of a refusal."""
        status, document = self(method, who, path, body)
        assert status >= 400, document
        error = document["NeutronError"]
        return status, error["type"], error["message"]


@pytest.fixture
def api(cloud, neutron):
    return cloud


@pytest.fixture
def net(api):
    return api.made("alice", "/networks", name="inside")


@pytest.fixture
def subnet(api, net):
    return api.made("alice", "/subnets", network_id=net["id"], ip_version=4, cidr="10.0.0.0/24")


@pytest.fixture
def public(api):
    network = api.made("admin", "/networks", **{
        "name": "public", "router:external": True, "provider:network_type": "flat",
        "provider:physical_network": "physnet1"})
    api.made("admin", "/subnets", network_id=network["id"], ip_version=4, cidr="172.31.0.0/24",
             gateway_ip="172.31.0.1", enable_dhcp=False,
             allocation_pools=[{"start": "172.31.0.100", "end": "172.31.0.120"}])
    return network
