"""Somebody guesses, signs, delegates and asks with patterns: against Keystone and all that reads
its tokens."""

import base64
import contextlib
import datetime as dt
import hashlib
import hmac
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import requests

from ..clouds import wait
from . import Ground, Tenant, p99, timed

V3 = "/identity/v3"
# A request that nothing holds up is answered within this many seconds on any machine.
SOON = 10.0


def _login(ground: Ground, methods: dict[str, Any], scope: Any = None) -> requests.Response:
    auth: dict[str, Any] = {"identity": {"methods": list(methods), **methods}}
    if scope is not None:
        auth["scope"] = scope
    return requests.post(f"{ground.admin.front}{V3}/auth/tokens", json={"auth": auth},
                         verify=ground.admin.ca, timeout=60)


def _password(ground: Ground, name: str, password: str, scope: Any = None) -> requests.Response:
    user = {"name": name, "domain": {"id": "default"}, "password": password}
    return _login(ground, {"password": {"user": user}}, scope)


@contextlib.contextmanager
def _user(ground: Ground, name: str) -> Iterator[tuple[str, str]]:
    """A user of this scenario's own, whom nobody misses when it is slowed: id and name."""
    name = f"{name}-{ground.run}"
    body = {"user": {"name": name, "password": f"{name}-Secret-1", "domain_id": "default"}}
    made = ground.admin.call("POST", f"{V3}/users", body)
    assert made.status_code == 201, made.text
    user_id = str(made.json()["user"]["id"])
    try:
        yield user_id, name
    finally:
        ground.admin.call("DELETE", f"{V3}/users/{user_id}")


@contextlib.contextmanager
def _credential(ground: Ground, tenant: Tenant, **wanted: Any) -> Iterator[str]:
    """The token of an application credential of the tenant's."""
    where = f"{V3}/users/{tenant.user}/application_credentials"
    body = {"application_credential": {"name": f"attack-{ground.run}", **wanted}}
    made = tenant.call("POST", where, body)
    assert made.status_code == 201, made.text
    credential = made.json()["application_credential"]
    try:
        given = {"id": credential["id"], "secret": credential["secret"]}
        reply = _login(ground, {"application_credential": given})
        assert reply.status_code == 201, reply.text
        yield reply.headers["X-Subject-Token"]
    finally:
        tenant.call("DELETE", f"{where}/{credential['id']}")


def _role(ground: Ground, name: str) -> str:
    roles = ground.admin.call("GET", f"{V3}/roles?name={name}").json()["roles"]
    return str(roles[0]["id"])


def attack_an_access_rule_with_many_wildcards(ground: Ground) -> None:
    bomb = {"service": "compute", "method": "GET", "path": f"/v2.1/servers/{'**a' * 60}b"}
    with _credential(ground, ground.alice, access_rules=[bomb]) as token, \
            ThreadPoolExecutor(4) as pool:
        path = f"{ground.alice.front}/compute/v2.1/servers/{'a' * 4000}"
        tries = [pool.submit(requests.get, path, headers={"X-Auth-Token": token},
                             verify=ground.alice.ca, timeout=60) for _ in range(16)]
        times = timed(lambda: ground.bob.call("GET", "/compute/v2.1/flavors"), 30)
        assert {each.result().status_code for each in tries} == {401}
    assert p99(times) < SOON


def attack_a_pattern_that_fits_in_too_many_ways(ground: Ground) -> None:
    for pattern in ("(a+)+$", "(a|a?)+$", "(.*)*x", "(a*)*(a*)*b"):
        begun = time.monotonic()
        path = f"/compute/v2.1/servers?name={quote(pattern)}"
        assert ground.alice.call("GET", path).status_code == 200
        assert time.monotonic() - begun < SOON
    for pattern in ("(?=a)a", r"(a)\1", "(a{1000}){1000}", "a" * 300 + "+"):
        path = f"/compute/v2.1/servers?name={quote(pattern)}"
        assert ground.alice.call("GET", path).status_code == 400


def attack_guessing(ground: Ground) -> None:
    with _user(ground, "guessed") as (user_id, name):
        replies = [_password(ground, name, f"guess {n}") for n in range(60)]
        codes = [reply.status_code for reply in replies]
        assert codes[0] == 401
        # Each process counts for itself.
        assert codes.count(401) <= 50
        late = replies[codes.index(429)]
        assert int(late.headers["Retry-After"]) > 0
        # Others of the same address go on.
        assert _password(ground, ground.bob.name, ground.bob.password).status_code == 201
        log = ground.node(ground.cloud.controller(),
                          "journalctl --no-pager --since -5min | grep 'login refused'")
        line = next(line for line in log.splitlines() if user_id in line)
        assert "address=" in line
        assert "address=unknown" not in line
        assert "guess 0" not in log


def attack_a_line_of_the_log(ground: Ground) -> None:
    forged = f"x\nlogin refused: address=192.0.2.1 reason={ground.run}"
    assert _password(ground, forged, "guess").status_code == 401
    # The journal has it a moment after the answer.
    log = wait("a line of the log", lambda: ground.node(
        ground.cloud.controller(),
        f"journalctl --no-pager --since -5min | grep '{ground.run}' || true"))
    assert not any("refused: address=192.0.2.1" in line and "\\n" not in line
                   for line in log.splitlines())


def attack_a_storm_of_logins(ground: Ground) -> None:
    def stranger(number: int) -> requests.Response:
        return _password(ground, f"stranger-{ground.run}-{number}", "guess")

    with ThreadPoolExecutor(48) as pool:
        storm = [pool.submit(stranger, number) for number in range(48)]
        times = timed(lambda: ground.bob.call("GET", f"{V3}/auth/projects"), 20)
        replies = [each.result() for each in storm]
    assert {reply.status_code for reply in replies} <= {401, 429, 503}
    assert all("Retry-After" in reply.headers for reply in replies if reply.status_code == 429)
    assert p99(times) < SOON


def attack_junk_in_a_token(ground: Ground) -> None:
    token = ground.alice.token
    spoiled = (token + "=", token + "==", token[:9] + "!" + token[9:], token + ".",
               token[:9] + "%0a" + token[9:], token + "A", token + "A" * 3000)
    for path in (f"{V3}/auth/projects", "/compute/v2.1/servers", "/networking/v2.0/networks",
                 "/image/v2/images", "/placement/resource_providers"):
        for text in spoiled:
            reply = ground.alice.call("GET", path, headers={"X-Auth-Token": text})
            assert reply.status_code == 401, (path, text)


def _signed(pair: dict[str, Any], host: str, **params: str) -> dict[str, Any]:
    """A request as an EC2 client signs it, version 2."""
    params = {"Action": "DescribeInstances", "AWSAccessKeyId": pair["access"],
              "SignatureMethod": "HmacSHA256", "SignatureVersion": "2", **params}
    query = "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}"
                     for name, value in sorted(params.items()))
    text = f"GET\n{host}\n/\n{query}".encode()
    digest = hmac.digest(pair["secret"].encode(), text, hashlib.sha256)
    return {"credentials": {"access": pair["access"], "host": host, "verb": "GET", "path": "/",
                            "params": params, "signature": base64.b64encode(digest).decode()}}


def attack_a_signature_sent_again(ground: Ground) -> None:
    where = f"{V3}/users/{ground.alice.user}/credentials/OS-EC2"
    made = ground.alice.call("POST", where, {"tenant_id": ground.alice.project})
    assert made.status_code == 201, made.text
    pair = made.json()["credential"]

    def moment(ago: int) -> str:
        then = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=ago)
        return then.strftime("%Y-%m-%dT%H:%M:%SZ")

    try:
        for params, code in (({"Timestamp": moment(0)}, 200), ({"Timestamp": moment(3600)}, 401),
                             ({"Timestamp": moment(-3600)}, 401), ({"Expires": moment(5)}, 401),
                             ({}, 401)):
            body = _signed(pair, "cloud", **params)
            assert ground.admin.call("POST", f"{V3}/ec2tokens", body).status_code == code, params
            # A stranger with a signature gets nothing for it at all.
            assert ground.bob.call("POST", f"{V3}/ec2tokens", body).status_code == 403
    finally:
        ground.alice.call("DELETE", f"{where}/{pair['access']}")


def attack_the_admin_by_a_domains_manager(ground: Ground) -> None:
    with _user(ground, "manager") as (user_id, name):
        grant = f"{V3}/domains/default/users/{user_id}/roles/{_role(ground, 'manager')}"
        assert ground.admin.call("PUT", grant).status_code == 204
        reply = _password(ground, name, f"{name}-Secret-1", {"domain": {"id": "default"}})
        token = {"X-Auth-Token": reply.headers["X-Subject-Token"]}
        body = {"user": {"password": "mine-now-1"}}
        people = ground.admin.call("GET", f"{V3}/users?domain_id=default").json()["users"]
        above = [each for each in people if each["name"] in ("admin", "nova", "neutron", "glance")]
        assert len(above) == 4
        for each in above:
            path = f"{V3}/users/{each['id']}"
            assert ground.admin.call("PATCH", path, body, headers=token).status_code == 403
            assert ground.admin.call("DELETE", path, headers=token).status_code == 403


def attack_by_what_a_lost_role_implied(ground: Ground) -> None:
    bob = ground.bob
    grant = f"{V3}/projects/{bob.project}/users/{bob.user}/roles/{_role(ground, 'member')}"
    paths = (f"{V3}/auth/projects", "/compute/v2.1/servers", "/networking/v2.0/networks",
             "/image/v2/images")
    with _credential(ground, bob, roles=[{"name": "reader"}]) as token:
        headers = {"X-Auth-Token": token}
        assert {bob.call("GET", path, headers=headers).status_code for path in paths} == {200}
        assert ground.admin.call("DELETE", grant).status_code == 204
        try:
            time.sleep(2)
            codes = {path: bob.call("GET", path, headers=headers).status_code for path in paths}
            assert set(codes.values()) == {401}, codes
        finally:
            assert ground.admin.call("PUT", grant).status_code == 204
            bob.sdk.session.invalidate()  # What it had ended with the role.


def attack_names_of_several_lines(ground: Ground) -> None:
    for path, kind in (("/compute/v2.1/servers", "server"), ("/image/v2/images", ""),
                       ("/networking/v2.0/networks", "network"),
                       (f"{V3}/projects", "project")):
        body = {"name": "a\nb\0", "disk_format": "raw", "container_format": "bare"}
        if kind:
            body = {kind: {"name": "a\nb\0"}}
        caller = ground.admin if kind == "project" else ground.alice
        reply = caller.call("POST", path, body)
        assert reply.status_code == 400, (path, reply.text)
