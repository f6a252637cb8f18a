"""What neutron forgets: tags and usages of nothing, limits of nobody."""

import pytest
from sqlalchemy import select

from cairn.common.errors import Remote
from cairn.neutron.core import purge
from cairn.neutron.core.kinds import NETWORKS
from cairn.neutron.db.models import Base, Quota, QuotaUsage, Tag
from cairn.neutron.settings import RpcServerSettings


class Keystone:
    def get(self, service, path, **options):
        if "dead" in path:
            raise Remote("identity 404", 404, f"Could not find project: {path.split('/')[-1]}.")


@pytest.mark.parametrize("kind", ["sqlite", "mariadb"])
def test_what_says_nothing_goes(kind, request):
    db = request.getfixturevalue(kind)(Base)
    with db.writing() as session:
        session.execute(NETWORKS.insert().values(
            id="n", project_id="red", mtu=1, network_type="local", physical_network="", name="",
            description="", revision=0, tags=[], admin_state_up=True, status="", shared=False,
            external=False, is_default=False, port_security_enabled=True, dns_domain="",
            availability_zone_hints=[]))
        session.add_all([
            Tag(resource_id="n", tag="kept"), Tag(resource_id="gone", tag="a"),
            Tag(resource_id="gone", tag="b"),
            Quota(project_id="red", resource="port", limit=1),
            Quota(project_id="dead", resource="port", limit=1),
            QuotaUsage(project_id="red", resource="port", used=1),
            QuotaUsage(project_id="red", resource="router", used=0),
            QuotaUsage(project_id="dead", resource="port", used=0),
        ])
    assert purge.make(RpcServerSettings(), db, Keystone()).run() == {
        "tags of nothing": 2, "usages of nothing": 2, "events": 0, "quotas of gone projects": 1}
    with db.reading() as session:
        assert session.scalars(select(Tag.tag)).all() == ["kept"]
        assert session.scalars(select(Quota.project_id)).all() == ["red"]
        assert session.scalars(select(QuotaUsage.resource)).all() == ["port"]
