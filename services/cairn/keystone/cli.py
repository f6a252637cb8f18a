"""What an operator, or the deployment, may do to keystone by hand.

    cairn-manage keystone bootstrap --file DOCUMENT.json [--check]
    cairn-manage keystone doctor
    cairn-manage keystone token-rotate [--stage]
    cairn-manage keystone credential-rotate [--stage]
    cairn-manage keystone credential-migrate
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from cairn.common.db import Database
from cairn.common.errors import Problem
from cairn.common.settings import load
from cairn.keystone.core.bootstrap import bootstrap as bring_up
from cairn.keystone.core.doctor import symptoms
from cairn.keystone.core.encrypted_values import encrypt_again
from cairn.keystone.providers import keys
from cairn.keystone.providers.encryption import Encryption, make_first_key
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
    wrong = list(symptoms(load(ApiSettings, conf)))
    for line in wrong:
        print(line)
    return 1 if wrong else 0


def token_rotate(arguments: list[str], conf: Path) -> int:
    """Sign tokens with a new key. What was signed before stays good."""
    options = _stages("token-rotate", arguments)
    settings = load(ApiSettings, conf)
    folder, public = Path(settings.tokens.keys), Path(settings.identity.public_keys)
    try:
        number = keys.stage_token(folder)
        if public != folder and not (public / f"{number}.pub").exists():
            keys.place(public, f"{number}.pub", (folder / f"{number}.pub").read_bytes(), 0o644)
        if options.stage:
            print(f"key {number} is staged: copy {folder}/{number}.pub and {folder}/{number}.next "
                  "to every controller, then run this on each without --stage")
            return 0
        window = settings.tokens.expiration + settings.tokens.allow_expired_window
        gone = keys.turn_tokens(folder, number, window)
    except (OSError, ValueError) as wrong:
        print(f"token-rotate: {wrong}", file=sys.stderr)
        return 1
    print(f"key {number} signs now" + (f"; taken away: {', '.join(gone)}" if gone else ""))
    return 0


def credential_rotate(arguments: list[str], conf: Path) -> int:
    """Encrypt what comes with a new key; credential-migrate is for what is there."""
    options = _stages("credential-rotate", arguments)
    folder = Path(load(ApiSettings, conf).credentials.keys)
    try:
        number = keys.stage_credential(folder)
        if options.stage:
            print(f"key {number} is staged: copy {folder}/{number}.next to every controller, then "
                  "run this on each without --stage")
            return 0
        keys.use(folder, number)
    except (OSError, ValueError) as wrong:
        print(f"credential-rotate: {wrong}", file=sys.stderr)
        return 1
    print(f"key {number} encrypts now; run credential-migrate to encrypt with it what is there")
    return 0


def credential_migrate(arguments: list[str], conf: Path) -> int:
    """Encrypt everything with the key in use, then take away the keys nothing needs."""
    argparse.ArgumentParser(prog="cairn-manage keystone credential-migrate").parse_args(arguments)
    settings = load(ApiSettings, conf)
    folder = Path(settings.credentials.keys)
    try:
        changed, lost = encrypt_again(Encryption(str(folder)), Database(settings.database.url))
        gone = [] if lost else [f"{number}.key" for number in keys.numbers(folder, "key")[:-1]]
        for name in gone:
            (folder / name).unlink()
    except (OSError, ValueError, Problem) as wrong:
        print(f"credential-migrate: {wrong}", file=sys.stderr)
        return 1
    print(f"{changed} encrypted anew" + (f"; taken away: {', '.join(gone)}" if gone else ""))
    for each in lost:
        print(f"{each} cannot be decrypted with any key in {folder}", file=sys.stderr)
    return 1 if lost else 0


def _stages(verb: str, arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"cairn-manage keystone {verb}")
    parser.add_argument("--stage", action="store_true",
                        help="make the key, but do not use it before it is on every controller")
    return parser.parse_args(arguments)


VERBS: dict[str, Callable[[list[str], Path], int]] = {
    "bootstrap": bootstrap, "doctor": doctor, "token-rotate": token_rotate,
    "credential-rotate": credential_rotate, "credential-migrate": credential_migrate,
}
