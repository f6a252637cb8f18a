"""Several writers of one thing, on a real server: none of them loses what another wrote."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from cairn.common.context import Context
from cairn.keystone.core import oauth1, policy_documents, regions, services, tags
from cairn.keystone.db.models import Base, Project, ProjectTag

from .conftest import process

WRITERS = 4
KINDS = {
    "region": (lambda k: regions.create(k, Context(), {}), regions.update),
    "service": (lambda k: services.create(k, Context(), {"type": "x"}), services.update),
    "policy": (lambda k: policy_documents.create(k, Context(), {"type": "x", "blob": "y"}),
               policy_documents.update),
    "consumer": (lambda k: oauth1.create_consumer(k, Context(), {})[0], oauth1.update_consumer),
}


@pytest.fixture
def real(mariadb, keys):
    return process(mariadb(Base), keys)


def at_once(write):
    """write(n) by each of the writers, who begin together."""
    gate = threading.Barrier(WRITERS)

    def run(number):
        gate.wait()
        return write(number)

    with ThreadPoolExecutor(WRITERS) as pool:
        return list(pool.map(run, range(WRITERS)))


@pytest.mark.parametrize("kind", KINDS)
def test_attributes_of_one_writer_are_not_lost_to_another(real, kind):
    make, update = KINDS[kind]
    row = make(real)
    for turn in range(5):
        at_once(lambda n, turn=turn: update(real, Context(), row.id, {f"mine{turn}_{n}": n}))
    now = update(real, Context(), row.id, {})
    assert len(now.extra) == 5 * WRITERS


def test_a_project_has_at_most_80_tags_whoever_adds_them(real):
    with real.db.writing() as session:
        session.add(Project(id="p", domain_id="", name="p", is_domain=True))
        session.flush()
        session.add_all(ProjectTag(project_id="p", name=f"t{n}") for n in range(79))
    ctx = Context(roles=frozenset({"admin"}), project_id="x", user_id="u")

    def add(number):
        try:
            tags.add(real, ctx, "p", f"new{number}")
        except Exception as error:
            return type(error).__name__
        return "added"

    assert sorted(at_once(add)) == ["Invalid"] * (WRITERS - 1) + ["added"]
    with real.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(ProjectTag)) == 80
