"""EC2 key pairs: who signed it is told to services, and what comes of it is a delegation."""

import base64
import datetime as dt
import hashlib
import hmac
import json
from urllib.parse import quote

import pytest
from keystoneclient.contrib.ec2.utils import Ec2Signer

from .conftest import Caller, project


@pytest.fixture
def alice_id(alice):
    return alice.ok("GET", "/auth/tokens", X_Subject_Token=alice.token)["token"]["user"]["id"]


@pytest.fixture
def red(admin):
    return next(p["id"] for p in admin.ok("GET", "/projects")["projects"] if p["name"] == "red")


@pytest.fixture
def where(alice_id):
    return f"/users/{alice_id}/credentials/OS-EC2"


@pytest.fixture
def pair(alice, where, red):
    return alice.ok("POST", where, {"tenant_id": red})["credential"]


@pytest.fixture
def nova(login):
    return login("nova", scope=project("service"))


def stamp(ago=0):
    moment = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=ago)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def signed(pair, ago=0, **changes):
    """A request as an EC2 client signs it, version 2."""
    given = {"host": "cloud:8773", "verb": "GET", "path": "/services/Cloud", "params": {
        "SignatureVersion": "2", "SignatureMethod": "HmacSHA256", "Action": "DescribeInstances",
        "AWSAccessKeyId": pair["access"], "Timestamp": stamp(ago),
    }}
    signature = Ec2Signer(pair["secret"]).generate({**given, "params": dict(given["params"])})
    return {"credentials": {**given, "access": pair["access"], "signature": signature, **changes}}


def signed_4(pair, ago=0):
    date = stamp(ago).replace("-", "").replace(":", "")
    scope = f"{date[:8]}/RegionOne/ec2/aws4_request"
    given = {"host": "cloud", "verb": "GET", "path": "/", "params": {"Action": "x"},
             "body_hash": hashlib.sha256(b"").hexdigest(),
             "headers": {"host": "cloud", "X-Amz-Date": date, "Authorization":
                         f"AWS4-HMAC-SHA256 Credential={pair['access']}/{scope}, "
                         "SignedHeaders=host;x-amz-date, Signature=x"}}
    signature = Ec2Signer(pair["secret"]).generate(given)
    return {"ec2Credentials": {**given, "access": pair["access"], "signature": signature}}


def signed_string(pair, version=4):
    """What an object store passes on."""
    if version == 1:
        text = b"GET\n\n\nFri, 20 Nov 2026 13:00:00 GMT\n/bucket"
        digest = hmac.digest(pair["secret"].encode(), text, hashlib.sha1)
        signature = base64.b64encode(digest).decode()
    else:
        text = b"AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/s3/aws4_request\nabc"
        key = b"AWS4" + pair["secret"].encode()
        for part in (b"20150830", b"us-east-1", b"s3", b"aws4_request"):
            key = hmac.digest(key, part, hashlib.sha256)
        signature = hmac.digest(key, text, hashlib.sha256).hex()
    return {"credentials": {"access": pair["access"], "signature": signature,
                            "token": base64.urlsafe_b64encode(text).decode()}}


@pytest.mark.parametrize("make", [signed, signed_4])
def test_a_signed_request_is_its_users(nova, pair, alice_id, red, make, client):
    reply = nova("POST", "/ec2tokens", make(pair))
    assert reply.status_code == 200, reply.text
    token = reply.json["token"]
    assert (token["user"]["id"], token["project"]["id"]) == (alice_id, red)
    assert {role["name"] for role in token["roles"]} == {"member", "reader"}
    assert token["methods"] == ["ec2credential"]
    assert token["catalog"]
    user = Caller(client, reply.headers["X-Subject-Token"])
    assert user("GET", "/auth/projects").status_code == 200


@pytest.mark.parametrize("version", [1, 4])
def test_a_signed_string_is_its_users(nova, pair, alice_id, version):
    reply = nova("POST", "/s3tokens", signed_string(pair, version))
    assert reply.status_code == 200, reply.text
    assert reply.json["token"]["user"]["id"] == alice_id
    assert "X-Subject-Token" not in reply.headers


def test_a_client_that_signs_without_the_port(nova, pair):
    body = signed(pair, host="cloud:8773")
    params = dict(body["credentials"]["params"])
    body["credentials"]["signature"] = Ec2Signer(pair["secret"]).generate(
        {"params": params, "verb": "GET", "host": "cloud", "path": "/services/Cloud"}
    )
    assert nova("POST", "/ec2tokens", body).status_code == 200


@pytest.mark.parametrize("path", ["/ec2tokens", "/s3tokens"])
def test_only_services_and_admins_may_ask(admin, alice, anyone, nova, pair, path):
    body = signed(pair) if path == "/ec2tokens" else signed_string(pair)
    assert anyone("POST", path, body).status_code == 401
    assert alice("POST", path, body).status_code == 403
    assert admin("POST", path, body).status_code == 200
    assert nova("POST", path, body).status_code == 200
    assert nova("GET", path).status_code == 405


@pytest.mark.parametrize(("spoil", "code"), [
    (lambda given: given.update(signature="x"), 401),
    (lambda given: given.update(signature=""), 401),
    (lambda given: given.update(verb="POST"), 401),
    (lambda given: given.update(access="nobody's"), 404),
    (lambda given: given.pop("access"), 401),
    (lambda given: given.update(params={"SignatureVersion": "0"}), 401),
    (lambda given: given.update(params={}), 401),
    (lambda given: given.update(params="x"), 400),
])
def test_what_is_refused(nova, pair, spoil, code):
    body = signed(pair)
    spoil(body["credentials"])
    assert nova("POST", "/ec2tokens", body).status_code == code


@pytest.mark.parametrize("text", ["", "***", "é", base64.b64encode(b"AWS4\n").decode()])
def test_a_string_that_is_none(nova, pair, text):
    body = signed_string(pair)
    body["credentials"]["token"] = text
    assert nova("POST", "/s3tokens", body).status_code in (400, 401)


@pytest.mark.parametrize("make", [signed, signed_4])
@pytest.mark.parametrize("ago", [1000, -1000])
def test_it_is_good_for_some_minutes(nova, pair, ago, make):
    assert nova("POST", "/ec2tokens", make(pair, ago)).status_code == 401


def resigned(pair, body, params):
    """Version 2 with other parameters."""
    given = body["credentials"]
    given["params"] = {k: v for k, v in given["params"].items() if k != "Timestamp"} | params
    asked = {k: given[k] for k in ("host", "verb", "path")} | {"params": dict(given["params"])}
    given["signature"] = Ec2Signer(pair["secret"]).generate(asked)
    return body


def test_one_without_a_moment_is_none(nova, pair):
    assert nova("POST", "/ec2tokens", resigned(pair, signed(pair), {})).status_code == 401


@pytest.mark.parametrize(("ago", "code"), [(-60, 200), (60, 401)])
def test_one_that_says_when_it_ends(nova, pair, ago, code):
    body = resigned(pair, signed(pair), {"Expires": stamp(ago)})
    assert nova("POST", "/ec2tokens", body).status_code == code


def test_an_old_one_is_not_made_young(nova, pair):
    """The parameters of a POST are not signed in version 4."""
    old = signed_4(pair, 1000)
    given = old["ec2Credentials"]
    given["verb"] = "POST"
    given.pop("signature")
    given["signature"] = Ec2Signer(pair["secret"]).generate(
        {k: v for k, v in given.items() if k != "access"})
    assert nova("POST", "/ec2tokens", old).status_code == 401
    date = stamp().replace("-", "").replace(":", "")
    for later in ({"Timestamp": stamp()}, {"X-Amz-Date": date}, {"X-Amz-Expires": "9999"}):
        given["params"] = {"Action": "x", **later}
        assert nova("POST", "/ec2tokens", old).status_code == 401


@pytest.mark.parametrize("happens", ["user", "project", "role", "pair"])
def test_what_ends_it(admin, alice, nova, pair, where, alice_id, red, happens, client):
    text = nova("POST", "/ec2tokens", signed(pair)).headers["X-Subject-Token"]
    if happens == "user":
        admin.ok("PATCH", f"/users/{alice_id}", {"user": {"enabled": False}})
    elif happens == "project":
        admin.ok("PATCH", f"/projects/{red}", {"project": {"enabled": False}})
    elif happens == "role":
        role = next(r["id"] for r in admin.ok("GET", "/roles")["roles"] if r["name"] == "member")
        admin.ok("DELETE", f"/projects/{red}/users/{alice_id}/roles/{role}")
    else:
        alice.ok("DELETE", f"{where}/{pair['access']}")
    assert nova("POST", "/ec2tokens", signed(pair)).status_code in (401, 404)
    assert Caller(client, text)("GET", "/auth/projects").status_code == 401


def test_its_token_is_a_delegation(nova, pair, where, client, alice_id, red):
    text = nova("POST", "/ec2tokens", signed(pair)).headers["X-Subject-Token"]
    user = Caller(client, text)
    body = {"auth": {"identity": {"methods": ["token"], "token": {"id": text}}}}
    assert client.post("/v3/auth/tokens", json=body).status_code == 403
    assert user("GET", where).status_code == 403
    assert user("GET", f"{where}/{pair['access']}").status_code == 403
    assert user("DELETE", f"{where}/{pair['access']}").status_code == 403
    assert user("POST", where, {"tenant_id": red}).status_code == 403
    assert user.ok("GET", "/credentials")["credentials"] == []
    made = {"credential": {"type": "note", "blob": "x"}}
    assert user("POST", "/credentials", made).status_code == 403
    credentials = f"/users/{alice_id}/application_credentials"
    wanted = {"application_credential": {"name": "x"}}
    assert user("POST", credentials, wanted).status_code == 403
    assert user("GET", f"/OS-TRUST/trusts?trustor_user_id={alice_id}").status_code == 403


def test_pairs_are_shown_to_their_user(alice, admin, login, pair, where):
    assert alice.ok("GET", where)["credentials"] == [pair]
    assert alice.ok("GET", f"{where}/{pair['access']}")["credential"] == pair
    assert admin.ok("GET", f"{where}/{pair['access']}")["credential"] == pair
    assert alice("GET", f"{where}/nobody's").status_code == 404
    other = login("nova", scope=project("service"))
    assert other("GET", where).status_code == 403
    assert other("GET", f"{where}/{quote(pair['access'])}").status_code == 403
    mine = other.ok("GET", "/auth/tokens", X_Subject_Token=other.token)["token"]["user"]["id"]
    path = f"/users/{mine}/credentials/OS-EC2"
    assert other("GET", f"{path}/{pair['access']}").status_code == 403
    assert other("DELETE", f"{path}/{pair['access']}").status_code == 403
    assert other("GET", f"{path}/nobody's").status_code == 404


class TestBound:
    """Pairs that name what they are bound to."""

    @pytest.fixture
    def bound(self, admin, red):
        def bound(user_id, **more):
            blob = json.dumps({"access": "bound", "secret": "hush", **more})
            wanted = {"type": "ec2", "blob": blob, "user_id": user_id, "project_id": red}
            admin.ok("POST", "/credentials", {"credential": wanted})
            return {"access": "bound", "secret": "hush"}
        return bound

    @pytest.fixture
    def trust(self, alice, nova, alice_id, red):
        other = nova.ok("GET", "/auth/tokens", X_Subject_Token=nova.token)["token"]["user"]["id"]
        return alice.ok("POST", "/OS-TRUST/trusts", {"trust": {
            "trustor_user_id": alice_id, "trustee_user_id": other, "project_id": red,
            "impersonation": True, "roles": [{"name": "reader"}]}})["trust"]

    def test_to_a_trust(self, admin, bound, trust, alice_id):
        pair = bound(alice_id, trust_id=trust["id"])
        token = admin.ok("POST", "/ec2tokens", signed(pair))["token"]
        assert token["OS-TRUST:trust"]["id"] == trust["id"]
        assert [role["name"] for role in token["roles"]] == ["reader"]

    def test_to_a_trust_of_others(self, admin, bound, trust):
        users = {u["name"]: u["id"] for u in admin.ok("GET", "/users")["users"]}
        pair = bound(users["admin"], trust_id=trust["id"])
        assert admin("POST", "/ec2tokens", signed(pair)).status_code == 401

    def test_to_an_application_credential(self, admin, alice, bound, alice_id):
        made = alice.ok("POST", f"/users/{alice_id}/application_credentials", {
            "application_credential": {"name": "ci", "roles": [{"name": "reader"}]}
        })["application_credential"]
        pair = bound(alice_id, app_cred_id=made["id"])
        token = admin.ok("POST", "/ec2tokens", signed(pair))["token"]
        assert [role["name"] for role in token["roles"]] == ["reader"]

    @pytest.mark.parametrize("more", [
        {"trust_id": "gone"}, {"app_cred_id": "gone"}, {"access_token_id": "any"},
    ])
    def test_to_what_is_gone(self, admin, bound, alice_id, more):
        assert admin("POST", "/ec2tokens", signed(bound(alice_id, **more))).status_code == 401

    def test_what_it_is_bound_to_stays(self, admin, bound, alice_id):
        bound(alice_id, trust_id="x")
        made, = admin.ok("GET", f"/credentials?user_id={alice_id}")["credentials"]
        for blob in ({"access": "bound", "secret": "x"}, {"secret": "x"}, []):
            body = {"credential": {"blob": json.dumps(blob)}}
            assert admin("PATCH", f"/credentials/{made['id']}", body).status_code == 400
        body = {"credential": {"type": "note"}}
        assert admin("PATCH", f"/credentials/{made['id']}", body).status_code == 400
