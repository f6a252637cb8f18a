import pytest
from fakes.nova import World

from cairn.common import ledger
from cairn.common.context import Context
from cairn.common.db import utcnow
from cairn.nova.core import boot, servers, snapshots, works
from cairn.nova.db.models import Base, Flavor, Server, Work

ALICE = Context("alice", project_id="red", roles=frozenset({"member", "reader"}),
                request_id="req-1", version=(2, 96))


@pytest.fixture
def db(sqlite):
    return sqlite(Base)


class Tenant:
    """Alice, and what she has in a world."""

    def __init__(self, world):
        self.world, self.ctx = world, ALICE
        self.image, self.network = world.cloud.image(), world.cloud.network("red")
        with world.db.writing() as session:
            session.add(Flavor(id="m1", name="m1", ram=512, vcpus=1, disk=1, extra_specs={}))

    def boot(self, hints=None, **more):
        """Ask for a server; the id of the first."""
        body = {"name": "web", "flavorRef": "m1", "imageRef": self.image,
                "networks": [{"uuid": self.network}], **more}
        nova = self.world.nova
        plan = boot.plan(nova, self.ctx, body, hints or {})
        times = {"received": utcnow(), "allowed": utcnow()}
        made = nova.db.write(lambda session: boot.record(nova, session, self.ctx, plan, times))
        return made[0].id

    def row(self, server_id):
        with self.world.db.reading() as session:
            return servers.find_any(session, server_id)

    def delete(self, server_id):
        nova, row = self.world.nova, self.row(server_id)
        nova.db.write(lambda session: works.remove(session, self.ctx, row, nova.service))

    def snapshot(self, server_id):
        """Ask for an image of the server; its id."""
        return snapshots.ask(self.world.nova, self.ctx, server_id, {"name": "kept"}).image_id

    def open_works(self):
        with self.world.db.reading() as session:
            return session.query(Work).where(Work.state.in_(ledger.OPEN)).count()

    def set(self, server_id, **values):
        with self.world.db.writing() as session:
            session.query(Server).where(Server.id == server_id).update(values)


@pytest.fixture
def world(db, tmp_path):
    return World(db, ("one",), folder=tmp_path)


@pytest.fixture
def alice(world):
    return Tenant(world)
