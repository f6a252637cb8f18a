"""Sessions: nobody asks others while one is open, and a database that is busy says so."""

import pytest
import sqlalchemy
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

from cairn.common import db as database
from cairn.common.api import PUBLIC, Api
from cairn.common.client import Neighbours
from cairn.common.context import Context
from cairn.common.db import Database
from cairn.common.errors import Unavailable
from cairn.common.rpc import Bus
from cairn.common.settings import IdentitySettings, MessagingSettings
from cairn.common.wsgi import Mount, serve


@pytest.fixture
def db():
    found = Database("sqlite://")
    yield found
    found.engine.dispose()


@pytest.fixture
def cloud():
    return Neighbours(IdentitySettings(auth_url="http://127.0.0.1:1/v3", username="u",
                                       password="p"), timeout=2)


QUESTIONS = {
    "a neighbour": lambda cloud, bus: cloud.get("image", "/images"),
    "an endpoint": lambda cloud, bus: cloud.endpoint("image", "R", "public"),
    "another region": lambda cloud, bus: cloud.fetch("http://127.0.0.1:1/", token="t"),
    "a process": lambda cloud, bus: bus.ask(
        Context(), "controller", "nobody", "hello", {}, timeout=0.01),
}


@pytest.mark.parametrize("way", ["reading", "writing"])
@pytest.mark.parametrize("question", QUESTIONS)
def test_no_question_while_a_session_is_open(db, cloud, way, question):
    bus = Bus(MessagingSettings())
    with pytest.raises(RuntimeError, match="session is open"):
        with getattr(db, way)():
            QUESTIONS[question](cloud, bus)
    with pytest.raises(Unavailable):  # It was asked: nobody is there.
        QUESTIONS[question](cloud, bus)
    bus.close()


def error(kind, number):
    return kind("update", {}, type("E", (Exception,), {})(number, "told by the server"))


@pytest.mark.parametrize("raised", [
    error(OperationalError, 1205), error(OperationalError, 1213), error(OperationalError, 2013),
    NoConnection("QueuePool limit")])
def test_what_passes_is_503(raised):
    answer = answered(raised)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert "told by" not in answer.text and "QueuePool" not in answer.text


def test_what_does_not_pass_is_not():
    assert answered(error(IntegrityError, 1048)).status_code == 500
    assert answered(error(DataError, 1406)).status_code == 400
    assert not database.busy(error(OperationalError, 1146))


def test_a_transaction_is_not_tried_for_ever(db, monkeypatch):
    monkeypatch.setattr(database, "WRITE_PATIENCE", -1)
    tries = []

    def write(session):
        tries.append(session.scalar(sqlalchemy.text("select 1")))
        raise error(OperationalError, 1205)

    with pytest.raises(OperationalError):
        db.write(write)
    assert tries == [1]


def answered(raised):
    api = Api({})

    @api.get("/", policy=PUBLIC)
    def index(component, ctx):
        raise raised

    app = serve("test", None, [Mount("", [api])], authenticate=lambda headers: None,
                envelope=lambda problem, request_id: {"message": str(problem)})
    return app.test_client().get("/")
