"""Every order that servers can be listed in, page by page, on a real database."""

import pytest

from cairn.nova.core import servers
from cairn.nova.db.models import Base, Server

from .conftest import ALICE


@pytest.fixture
def db(mariadb):
    return mariadb(Base)


def test_pages_of_every_order_are_the_whole(world, alice):
    for number in range(3):
        server_id = alice.boot()
        alice.set(server_id, name=f"s{number}", config_drive=number == 1,
                  locked_by="owner" if number == 2 else None, host="one" if number else None)
    with world.db.writing() as session:
        row = session.query(Server).filter_by(name="s1").one()
        row.image = {**row.image, "properties": {"kernel_id": "k"}}
    wrong = []
    for key in servers.SORTABLE:
        for direction in ("asc", "desc"):
            with world.db.reading() as session:
                def page(marker, limit, key=key, direction=direction, session=session):
                    return [row.id for row in servers.page_of(
                        session, ALICE, [Server.id], [], [(key, direction)], marker, limit)]

                whole, paged = page(None, 10), page(None, 1)
                while (more := page(paged[-1], 1)) and len(paged) < 4:
                    paged += more
                if len(set(whole)) != 3 or paged != whole:
                    wrong.append((key, direction, whole, paged))
    assert wrong == []


@pytest.mark.parametrize(("key", "last"), [("locked", "s2"), ("kernel_id", "s1"),
                                           ("config_drive", "s1")])
def test_what_has_it_is_after_what_has_not(world, alice, key, last):
    for number in range(3):
        alice.set(alice.boot(), name=f"s{number}", config_drive=number == 1,
                  locked_by="owner" if number == 2 else None)
        with world.db.writing() as session:
            for row in session.query(Server).filter_by(name="s1"):
                row.image = {**row.image, "properties": {"kernel_id": "k"}}
    with world.db.reading() as session:
        listed = servers.page_of(session, ALICE, [Server.name], [], [(key, "asc")], None, 10)
    assert [row.name for row in listed][-1] == last
