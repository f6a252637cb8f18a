"""What an operator, or the deployment, may do to keystone by hand.

    cairn-manage keystone bootstrap --file DOCUMENT.json [--check]
    cairn-manage keystone doctor
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import select

from cairn.common import migrate
from cairn.common.db import Database
from cairn.common.errors import Problem
from cairn.common.settings import load
from cairn.common.tokens import Signer, Token, Verifier
from cairn.keystone.core.bootstrap import bootstrap as bring_up
from cairn.keystone.core.vault import Vault, make_first_key
from cairn.keystone.db.models import Endpoint, Project, Service
from cairn.keystone.settings import ApiSettings


def bootstrap(arguments: list[str], conf: Path) -> int:
    """Make what the document says, and say what was made: {"changed": bool, "changes": [...]}."""
    parser = argparse.ArgumentParser(prog="cairn-manage keystone bootstrap")
    parser.add_argument("--file", default="-", help="the document, JSON; - for standard input")
    parser.add_argument("--check", action="store_true", help="change nothing, say what would be")
    options = parser.parse_args(arguments)
    settings = load(ApiSettings, conf)
    try:
        text = sys.stdin.read() if options.file == "-" else Path(options.file).read_text()
        changes = bring_up(Database(settings.database.url), json.loads(text),
                           pretend=options.check)
    except (OSError, json.JSONDecodeError, Problem) as wrong:
        print(f"bootstrap: {wrong}", file=sys.stderr)
        return 1
    if make_first_key(settings.credentials.keys, pretend=options.check):
        changes.append(f"key for credentials in {settings.credentials.keys}")
    print(json.dumps({"changed": bool(changes), "changes": changes}))
    return 0


def doctor(arguments: list[str], conf: Path) -> int:
    """Say what keeps keystone from working, a line each; nothing and 0 when all is well."""
    argparse.ArgumentParser(prog="cairn-manage keystone doctor").parse_args(arguments)
    wrong = list(_symptoms(load(ApiSettings, conf)))
    for line in wrong:
        print(line)
    return 1 if wrong else 0


def _symptoms(settings: ApiSettings) -> Iterator[str]:
    person = {"id": "doctor", "name": "doctor", "domain": {"id": "", "name": ""}}
    now = time.time()
    try:
        text = Signer(settings.tokens.keys).sign(Token(person, [], ["x"], now, now + 60))
        Verifier(settings.identity.public_keys).verify(text)
    except Problem:
        yield ("the newest key in tokens.keys signs what no key in identity.public_keys verifies: "
               "put its .pub there")
    except (OSError, ValueError) as error:
        yield f"tokens cannot be signed with the keys in {settings.tokens.keys}: {error}"
    try:
        Vault(settings.credentials.keys).close("")
    except (Problem, ValueError, OSError) as error:
        yield str(error)
    db = Database(settings.database.url)
    try:
        missing = migrate.differences("keystone", db)
    except Exception as error:  # Whatever it is, the operator is to read it.
        yield f"the database does not answer: {error}"
        return
    if missing:
        yield "the schema is not what this version needs: run cairn-manage keystone db sync"
        return
    with db.reading() as session:
        if session.get(Project, "default") is None:
            yield "there is no Default domain: run cairn-manage keystone bootstrap"
        for service in session.scalars(select(Service).where(Service.enabled)):
            if session.scalar(select(Endpoint.id).where(
                Endpoint.service_id == service.id, Endpoint.enabled
            )) is None:
                yield f"service {service.name or service.id} ({service.type}) has no endpoint"


VERBS: dict[str, Callable[[list[str], Path], int]] = {"bootstrap": bootstrap, "doctor": doctor}
