"""The watcher of nova's answers (fakes/upstream.py) knows what Tempest's clients know, and finds
what they would."""

import json

import pytest
from fakes import upstream
from fakes.declared import served
from tempest.lib.common.rest_client import RestClient

# What Tempest has no client for, or none that looks at the answer.
UNSEEN = {
    "GET /os-floating-ip-pools", "GET /os-networks", "GET /os-networks/<network_id>",
    "DELETE /os-services/<service_id>",
    "GET /servers/<server_id>/topology",
    "POST /os-aggregates/<number>/images",
    "POST /servers/<server_id>/action os-getRDPConsole",
    "POST /servers/<server_id>/action os-getSPICEConsole",
    "POST /servers/<server_id>/action os-getSerialConsole",
    "POST /servers/<server_id>/action trigger_crash_dump",
    "GET /os-volume-uses", "GET /os-volume-uses/<host>/guests",  # Ours.
}


def asked():
    """All that nova's 2.1 may be asked and answers, as the table names it."""
    for (component, method, rule), variants in served().items():
        path = rule.removeprefix("/v2.1")
        if component == "nova" and path and path != rule:
            for action in {one.endpoint.action for one in variants if one.endpoint.status < 400}:
                yield f"{method} {path} {action}" if action else f"{method} {path}"


def test_every_answer_is_held_to_a_schema_or_there_is_none():
    known = set(upstream.CLIENTS)
    assert sorted(set(asked()) - known - UNSEEN) == []
    assert UNSEEN <= set(asked())


def test_every_method_of_the_table_is_a_clients():
    for name in upstream.CLIENTS.values():
        client, _, method = name.rstrip("+").partition(".")
        kind = upstream.client_class(client)
        assert callable(getattr(kind, method)) and issubclass(kind, RestClient)


@pytest.fixture
def said(monkeypatch):
    """said(asked, body, version, status, **headers) -> what is said of such an answer, "" for
    nothing."""
    def said(asked, body, version="2.1", status=200, **headers):
        method, rule, *action = asked.split()
        data = b"" if body is None else json.dumps(body).encode()
        return upstream.complaint(monkeypatch, method, rule, *(action or [None]), version,
                                  (upstream.Response(status, headers), data)) or ""

    return said


PAIR = {"keypair": {"name": "k", "public_key": "ssh-rsa A", "fingerprint": "f"}}


def test_what_tempest_takes_is_let_pass(said):
    assert said("GET /os-keypairs", {"keypairs": [PAIR]}) == ""
    assert said("DELETE /servers/<server_id>", None, status=204) == ""
    assert said("POST /servers/<server_id>/action os-start", None, status=202) == ""
    assert said("GET /os-floating-ip-pools", {"anything": 1}) == ""


def test_a_body_is_of_the_versions_schema(said):
    typed = {"keypair": {**PAIR["keypair"], "type": "ssh"}}
    assert "'type' was unexpected" in said("GET /os-keypairs", {"keypairs": [typed]})
    assert said("GET /os-keypairs", {"keypairs": [typed]}, "2.2") == ""
    assert "'type' is a required property" in said("GET /os-keypairs", {"keypairs": [PAIR]}, "2.2")


def test_codes_and_what_should_have_no_body(said):
    assert "200" in said("DELETE /servers/<server_id>", None)
    assert said("POST /servers/<server_id>/action os-start", {"x": 1}, status=202)
    assert said("POST /servers/<server_id>/action createImage", None, status=202)
    assert said("POST /servers/<server_id>/action createImage", None, status=202,
                Location="http://x/images/y") == ""


def test_only_what_is_excused_is_excused(said):
    links = {"keypairs": [PAIR], "keypairs_links": []}
    assert said("GET /os-keypairs", links) == ""
    assert said("GET /os-keypairs", links | {"x": 1})
    assert said("GET /os-keypairs", {"keypairs": [{}]})
