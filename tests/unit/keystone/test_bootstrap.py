"""Bootstrap: what it makes, that it makes it once, and that a look changes nothing."""

import json

import pytest
from argon2 import PasswordHasher
from sqlalchemy import func, select

from cairn.common.db import Database
from cairn.common.errors import Invalid
from cairn.keystone import cli
from cairn.keystone.core.bootstrap import bootstrap
from cairn.keystone.db.models import Base, Revoked, User
from cairn.keystone.providers import passwords
from cairn.keystone.providers.encryption import make_first_key

DOCUMENT = {
    "admin": {"password": "a"}, "region": "RegionOne", "roles": ["cook"],
    "projects": ["admin", "service"],
    "users": [{"name": "nova", "password": "n", "project": "service", "roles": ["service"]}],
    "services": [{"type": "compute", "name": "nova", "description": "Compute",
                  "endpoints": {"public": "http://x"}}],
}


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch):
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(1, 8, 1))


@pytest.fixture
def db():
    db = Database("sqlite://")
    Base.metadata.create_all(db.engine)
    yield db
    db.engine.dispose()


def test_it_is_made_once(db):
    assert "user nova" in bootstrap(db, DOCUMENT)
    assert bootstrap(db, DOCUMENT) == []


def test_a_look_changes_nothing_and_tells_the_truth(db):
    would = bootstrap(db, DOCUMENT, pretend=True)
    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(User)) == 0
    assert len(would) == len(bootstrap(db, DOCUMENT))


def test_a_new_password_ends_the_old_ones_tokens(db):
    bootstrap(db, DOCUMENT)
    again = {**DOCUMENT, "admin": {"password": "b"}}
    assert bootstrap(db, again) == ["password of admin"]
    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Revoked)) == 1


def test_whom_the_cloud_no_longer_has_is_disabled_once(db):
    bootstrap(db, DOCUMENT)
    without = {**DOCUMENT, "users": [], "former_users": ["nova", "nobody"]}
    assert bootstrap(db, without) == ["user nova disabled"]
    assert bootstrap(db, without) == []
    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Revoked)) == 1


def test_an_endpoint_moves(db):
    bootstrap(db, DOCUMENT)
    moved = json.loads(json.dumps(DOCUMENT).replace("http://x", "https://y"))
    assert bootstrap(db, moved) == ["public endpoint of nova"]


def test_a_wrong_document_is_refused_by_field(db):
    with pytest.raises(Invalid, match=r"users\.0"):
        bootstrap(db, {**DOCUMENT, "users": [{"name": "x"}]})


def test_the_verb_reports_and_makes_the_key_for_credentials(tmp_path, capsys):
    conf, file = tmp_path / "keystone-api.conf", tmp_path / "cloud.json"
    keys = tmp_path / "keys"
    conf.write_text(f"[database]\nurl = sqlite:///{tmp_path}/k.db\n[credentials]\nkeys = {keys}\n")
    file.write_text(json.dumps(DOCUMENT))
    db = Database(f"sqlite:///{tmp_path}/k.db")
    Base.metadata.create_all(db.engine)
    said = []
    for arguments in (["--check"], [], []):
        assert cli.bootstrap(["--file", str(file), *arguments], conf) == 0
        said.append(json.loads(capsys.readouterr().out)["changed"])
    assert said == [True, True, False]
    assert [file.stat().st_mode & 0o777 for file in keys.iterdir()] == [0o640]
    assert not make_first_key(str(keys))
    db.engine.dispose()
