"""Lists: what a query says of them, and pages that neither lose a row nor show one twice."""

import pytest
from sqlalchemy import String, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from werkzeug.datastructures import MultiDict

from cairn.common.db import new_metadata
from cairn.common.errors import Invalid
from cairn.common.listing import (
    Page,
    build_link,
    fetch,
    find_marker,
    order_keys,
    read_flag,
    read_limit,
    read_page,
    read_sort,
    read_value,
)


class Base(DeclarativeBase):
    metadata = new_metadata()


class Thing(Base):
    __tablename__ = "things"

    id: Mapped[int] = mapped_column(primary_key=True)
    colour: Mapped[str | None] = mapped_column(String(16))


COLUMNS = {"id": Thing.__table__.c.id, "colour": Thing.__table__.c.colour}
COLOURS = ["red", None, "blue", "red", None, "green", "blue"]


def ask(text):
    return MultiDict(pair.split("=") for pair in text.split("&") if pair)


def test_of_a_repeated_parameter_the_last_counts():
    assert read_value(ask("limit=1&limit=7"), "limit") == "7"
    assert read_limit(ask("limit=1&limit=7")) == 7
    assert read_value(ask(""), "marker") is None


@pytest.mark.parametrize(("text", "limit"), [
    ("", 20), ("limit=0", 0), ("limit=5", 5), ("limit=100", 50)])
def test_a_limit_has_a_default_and_a_bound(text, limit):
    assert read_limit(ask(text), default=20, most=50) == limit


def test_without_any_limit_there_is_the_bound_or_none():
    assert read_limit(ask("")) is None
    assert read_limit(ask(""), most=50) == 50


@pytest.mark.parametrize(("text", "field"), [
    ("limit=-1", "limit"), ("limit=two", "limit"), ("limit=", "limit"), ("limit=²", "limit"),
    ("limit=" + "9" * 5000, "limit"),
    ("sort_key=size", "sort_key"), ("sort=size:asc", "sort_key"),
    ("sort_key=id&sort_dir=up", "sort_dir"), ("sort=id:up", "sort_dir"),
    ("sort_key=id&sort_dir=asc&sort_dir=asc", "sort_dir"), ("sort=id&sort_key=id", "sort"),
    ("page_reverse=maybe", "page_reverse"),
])
def test_what_is_wrong_is_named(text, field):
    with pytest.raises(Invalid, match=f"field/attribute {field}[.]") as refused:
        read_page(ask(text), COLUMNS)
    assert refused.value.facts["where"] == field


@pytest.mark.parametrize(("text", "sort"), [
    ("", [("id", "desc")]),
    ("sort_dir=asc", [("id", "asc")]),
    ("sort_key=colour", [("colour", "desc")]),
    ("sort_key=colour&sort_key=id&sort_dir=asc", [("colour", "asc"), ("id", "asc")]),
    ("sort_key=colour&sort_key=id&sort_dir=asc&sort_dir=desc", [("colour", "asc"), ("id", "desc")]),
    ("sort=colour:asc,id", [("colour", "asc"), ("id", "asc")]),
    ("sort=colour,id:asc", [("colour", "asc"), ("id", "asc")]),
])
def test_order(text, sort):
    assert read_sort(ask(text), COLUMNS, default=(("id", "desc"),)) == tuple(sort)


def test_a_component_may_fix_the_direction_of_keys_that_name_none():
    text = "sort_key=colour&sort_key=id&sort_dir=desc"
    assert read_sort(ask(text), COLUMNS, direction="asc") == (("colour", "desc"), ("id", "asc"))


@pytest.mark.parametrize(("text", "flag"), [
    ("", None), ("shared=True", True), ("shared=no", False), ("shared=0&shared=1", True)])
def test_flags(text, flag):
    assert read_flag(ask(text), "shared") is flag


@pytest.fixture(params=["sqlite", "mariadb"])
def db(request):
    db = request.getfixturevalue(request.param)(Base)
    with db.writing() as session:
        session.add_all(Thing(id=number, colour=colour)
                        for number, colour in enumerate(COLOURS, 1))
    return db


def walk(db, sort, limit, reverse=False):
    """The ids of each page, from one to the next by marker."""
    pages, marker, more = [], None, True
    with db.reading() as session:
        while more:
            page = Page(limit, marker, sort, reverse)
            keys = order_keys(page, COLUMNS, "id")
            after = find_marker(session, keys, COLUMNS["id"] == marker) if marker else None
            part = fetch(session, select(COLUMNS["id"]), keys, page, after)
            pages.append([row.id for row in part.rows])
            more = part.more
            marker = part.rows[0 if reverse else -1].id
    return pages


@pytest.mark.parametrize("sort", [
    (), (("colour", "asc"),), (("colour", "desc"),), (("colour", "asc"), ("id", "desc")),
    (("id", "desc"), ("colour", "asc"))])
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
def test_pages_lose_nothing_and_repeat_nothing(db, sort, limit):
    (whole,) = walk(db, sort, None)
    assert sorted(whole) == list(range(1, 8))
    forth, back = walk(db, sort, limit), walk(db, sort, limit, reverse=True)
    assert sum(forth, []) == sum(back[::-1], []) == whole
    assert all(len(page) == limit for page in forth[:-1])


def test_the_row_that_is_no_marker():
    assert order_keys(Page(sort=(("id", "desc"),)), COLUMNS, "id") == [(COLUMNS["id"], "desc")]


def test_no_marker_where_the_row_is_gone(db):
    with db.reading() as session:
        assert find_marker(session, [(COLUMNS["id"], "asc")], COLUMNS["id"] == 99) is None


def test_links_keep_what_was_asked_but_the_place():
    query = ask("name=a b&limit=2&marker=x&page_reverse=True&tag=1&tag=2")
    assert build_link("/things", query, marker="y") == (
        "/things?name=a+b&limit=2&tag=1&tag=2&marker=y")
    assert build_link("/things", query, marker="y", page_reverse="True").endswith(
        "&marker=y&page_reverse=True")
    assert build_link("/things", ask("marker=x"), marker=None) == "/things"
