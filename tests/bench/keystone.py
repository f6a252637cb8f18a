# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""What keystone's API costs: CPU of this process and of a MariaDB on this host per request, and
queries. Without a database's URL it runs on SQLite; the schema that a URL names is made anew.

    python tests/bench/keystone.py [mysql+mysqldb://...]
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "services"))

from sqlalchemy import event

from cairn.common.auth import Authenticator
from cairn.common.db import Database
from cairn.common.policy import Policy
from cairn.common.tokens import Signer, Verifier
from cairn.keystone.app import create_app
from cairn.keystone.component import Keystone
from cairn.keystone.core.bootstrap import bootstrap
from cairn.keystone.db.models import Base, User
from cairn.keystone.policy import RULES
from cairn.keystone.providers import keys
from cairn.keystone.providers.directory import Directory
from cairn.keystone.providers.encryption import Encryption, make_first_key
from cairn.keystone.providers.passwords import Passwords, hashed
from cairn.keystone.providers.revocations import FreshAuthenticator, RevocationReader
from cairn.keystone.settings import ComplianceSettings, TokenSettings

INTERFACES = ("public", "internal", "admin")
CLOUD = {
    "admin": {"password": "secret"}, "region": "RegionOne", "projects": ["service"],
    "services": [{"type": name, "name": name,
                  "endpoints": dict.fromkeys(INTERFACES, f"https://{name}/%(project_id)s")}
                 for name in ("identity", "compute", "network", "image", "placement", "volumev3",
                              "object-store", "orchestration")],
}


class Silence:
    """Stands for the fanout to tokens' verifiers."""

    def revoked(self, ctx: Any, **events: Any) -> None:
        pass


def database_seconds(url: str) -> float:
    """CPU that MariaDB on this host has used, 0 where the bench does not use it."""
    if not url.startswith("mysql"):
        return 0.0
    ticks = 0
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = status.read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue
        if name in ("mariadbd", "mysqld"):
            fields = rest.split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def component(db: Database, folder: Path, compliance: ComplianceSettings) -> Keystone:
    verifier, silence = Verifier(str(folder)), Silence()
    return Keystone(
        db=db, policy=Policy(RULES), signer=Signer(str(folder)), verifier=verifier,
        revocations=silence,  # type: ignore[arg-type]
        revoked=RevocationReader(db, verifier, 3600), passwords=Passwords(), directory=Directory(),
        encryption=Encryption(str(folder)), tokens=TokenSettings(), compliance=compliance,
    )


def signed(access: str, secret: str) -> Any:
    text = b"AWS4-HMAC-SHA256\n20260101T000000Z\n20260101/us-east-1/s3/aws4_request\nabc"
    key = b"AWS4" + secret.encode()
    for part in (b"20260101", b"us-east-1", b"s3", b"aws4_request"):
        key = hmac.digest(key, part, hashlib.sha256)
    return {"credentials": {"access": access, "token": base64.urlsafe_b64encode(text).decode(),
                            "signature": hmac.digest(key, text, hashlib.sha256).hex()}}


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="bench-keys-"))
    keys.use(folder, keys.stage_token(folder))
    make_first_key(str(folder / "credential"))
    for each in (folder, folder / "credential"):
        os.utime(each, (0, 0))  # Keys that are seconds old are read at every use.
    url = sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{folder}/keystone.db"
    db = Database(url)
    Base.metadata.drop_all(db.engine)
    Base.metadata.create_all(db.engine)
    bootstrap(db, CLOUD)
    queries: list[str] = []
    for engine in {db.engine, db._reading.kw["bind"]}:
        event.listen(engine, "before_cursor_execute",
                     lambda conn, cursor, statement, *rest: queries.append(statement))
    strict = ComplianceSettings(lockout_failure_attempts=6, password_expires_days=90,
                                disable_user_account_days_inactive=90)

    def app(compliance: ComplianceSettings) -> Any:
        keystone = component(db, folder, compliance)
        object.__setattr__(keystone, "encryption", Encryption(str(folder / "credential")))
        authenticate = FreshAuthenticator(keystone.revoked, Authenticator(keystone.verifier))
        return create_app(keystone, authenticate, {}).test_client()

    client, careful = app(ComplianceSettings()), app(strict)

    def ask(method: str, path: str, body: Any = None, at: Any = None, **headers: str) -> Any:
        reply = (at or client).open("/v3" + path, method=method, json=body, headers={
            name.replace("_", "-"): value for name, value in headers.items()})
        assert reply.status_code < 300, reply.get_data()
        return reply

    def measured(name: str, func: Callable[[], Any], times: int) -> None:
        for _ in range(5):
            func()
        queries.clear()
        began, theirs = time.process_time(), database_seconds(url)
        for _ in range(times):
            func()
        cpu = (time.process_time() - began) / times * 1000
        more = (database_seconds(url) - theirs) / times * 1000
        print(f"{name:52} {cpu + more:7.2f} ms CPU (database {more:.2f}) "
              f"{len(queries) / times:5.1f} queries")

    user = {"name": "admin", "domain": {"id": "default"}, "password": "secret"}
    identity = {"methods": ["password"], "password": {"user": user}}
    login = {"auth": {"identity": identity, "scope": {
        "project": {"name": "admin", "domain": {"id": "default"}}}}}
    first = ask("POST", "/auth/tokens", login)
    text, told = first.headers["X-Subject-Token"], first.get_json()["token"]
    token = {"X_Auth_Token": text}
    again = {"auth": {"identity": {"methods": ["token"], "token": {"id": text}},
                      "scope": {"project": {"id": told["project"]["id"]}}}}
    measured("POST /v3/auth/tokens, password seen before",
             lambda: ask("POST", "/auth/tokens", login), 500)
    measured("  the same, with security_compliance on",
             lambda: ask("POST", "/auth/tokens", login, careful), 500)
    measured("  the same, ?nocatalog", lambda: ask("POST", "/auth/tokens?nocatalog", login), 500)
    measured("POST /v3/auth/tokens, by a token", lambda: ask("POST", "/auth/tokens", again), 500)
    measured("GET /v3/auth/tokens",
             lambda: ask("GET", "/auth/tokens", X_Subject_Token=text, **token), 500)
    measured("GET /v3/auth/tokens?nocatalog",
             lambda: ask("GET", "/auth/tokens?nocatalog", X_Subject_Token=text, **token), 500)
    own = f"/users/{told['user']['id']}"
    pair = ask("POST", f"{own}/credentials/OS-EC2", {"tenant_id": told["project"]["id"]},
               **token).get_json()["credential"]
    body = signed(pair["access"], pair["secret"])
    measured("POST /v3/s3tokens?nocatalog",
             lambda: ask("POST", "/s3tokens?nocatalog", body, **token), 500)
    made = ask("POST", f"{own}/application_credentials",
               {"application_credential": {"name": "bench"}}, **token).get_json()
    credential = made["application_credential"]
    by_credential = {"auth": {"identity": {
        "methods": ["application_credential"],
        "application_credential": {"id": credential["id"], "secret": credential["secret"]}}}}
    measured("POST /v3/auth/tokens, by application credential",
             lambda: ask("POST", "/auth/tokens", by_credential), 300)
    measured("GET /v3/users/ID", lambda: ask("GET", own, **token), 500)
    stored = hashed("x")
    with db.writing() as session:
        session.add_all(User(name=f"u{n}", domain_id="default", password_hash=stored)
                        for n in range(1000))
    for limit, times in ((100, 50), (1000, 10)):
        measured(f"GET /v3/users, {limit} of them",
                 lambda limit=limit: ask("GET", f"/users?limit={limit}", **token), times)


if __name__ == "__main__":
    main()
