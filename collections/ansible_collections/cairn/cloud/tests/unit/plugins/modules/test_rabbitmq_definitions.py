# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import pytest
from ansible_collections.cairn.cloud.plugins.module_utils.state import converge
from ansible_collections.cairn.cloud.plugins.modules import rabbitmq_definitions


class Broker:
    """Behaves like a broker that is told of definitions, and may be down."""

    def __init__(self, running=True, check_mode=False):
        self.running, self.check_mode, self.result = running, check_mode, None
        self.users = {"guest"}

    def run_command(self, command, check_rc=False):
        if command[0] == "systemctl":
            return 0 if self.running else 3, "", ""
        assert command[:4] == ["rabbitmqctl", "--quiet", "--node", "rabbit@localhost"]
        assert self.running
        if command[4] == "import_definitions":
            with open(command[5]) as file:
                self.users.update(user["name"] for user in json.load(file)["users"])
        elif command[4] == "delete_user":
            self.users.remove(command[5])
        return 0, "", ""

    def exit_json(self, **result):
        self.result = result


def user(name, password="one", configure=".*"):
    account = {"password": password, "configure": configure, "write": ".*", "read": ".*"}
    return {"name": name, "account": account}


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setattr(rabbitmq_definitions.shutil, "chown", lambda *_args: None)
    return tmp_path / "definitions.json"


def run(broker, path, *users):
    before = rabbitmq_definitions.look(str(path))
    after = rabbitmq_definitions.plan("cairn", users)
    converge(
        broker, rabbitmq_definitions.shown(before), rabbitmq_definitions.shown(after),
        lambda: rabbitmq_definitions.act(broker, before, after, str(path), "rabbit@localhost"),
    )
    return broker.result


def test_a_password_is_kept_as_rabbitmq_checks_it():
    import base64
    import hashlib

    kept = base64.b64decode(rabbitmq_definitions.digest("nova", "secret"))
    assert kept[4:] == hashlib.sha256(kept[:4] + b"secret").digest()
    assert kept[:4] != base64.b64decode(rabbitmq_definitions.digest("neutron", "secret"))[:4]


def test_a_broker_that_is_down_finds_them_when_it_starts(path):
    assert run(Broker(running=False), path, user("nova"))["changed"]
    assert not run(Broker(running=False), path, user("nova"))["changed"]
    assert path.stat().st_mode & 0o007 == 0
    assert "one" not in path.read_text()


def test_letterboxes_and_routing_keys_are_the_brokers_to_keep():
    account = {**user("host.a")["account"], "topics": {"controller": {"write": "^a$", "read": ""}}}
    made = rabbitmq_definitions.plan("cairn", [{"name": "host.a", "account": account}],
                                     {"controller": "topic", "all": "fanout"})
    assert made["topic_permissions"] == [
        {"user": "host.a", "vhost": "cairn", "exchange": "controller", "write": "^a$", "read": ""}]
    assert [(e["name"], e["type"], e["durable"]) for e in made["exchanges"]] == [
        ("all", "fanout", True), ("controller", "topic", True)]
    assert rabbitmq_definitions.shown(made)["exchanges"] == {"all": "fanout", "controller": "topic"}


def test_a_broker_that_runs_is_told_at_once(path):
    broker = Broker()
    run(broker, path, user("nova"), user("old"))
    run(broker, path, user("nova"), user("new"))
    assert broker.users == {"guest", "nova", "new"}
    assert not run(broker, path, user("new"), user("nova"))["changed"]


@pytest.mark.parametrize(
    "changed", [user("nova", password="two"), user("nova", configure="^reply"), user("other")]
)
def test_every_change_is_noticed_and_check_mode_does_not_make_it(path, changed):
    run(Broker(), path, user("nova"))
    kept = path.read_text()
    result = run(Broker(check_mode=True), path, changed)
    assert result["changed"]
    assert path.read_text() == kept
    assert rabbitmq_definitions.digest("nova", "one") not in str(result["diff"])


def test_a_run_that_is_killed_is_made_good_by_the_next(path):
    broker = Broker()
    broker.run_command = lambda command, check_rc=False: 1 / 0
    with pytest.raises(ZeroDivisionError):
        run(broker, path, user("nova"))
    assert list(path.parent.iterdir()) == []
    assert run(Broker(), path, user("nova"))["changed"]
