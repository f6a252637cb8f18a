"""What keeps keystone from working, or from being safe: a sentence each, that says what helps."""

import grp
import re
import stat
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from cryptography.fernet import InvalidToken
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from cairn.common import migrate, patterns
from cairn.common.db import Database, utcnow
from cairn.common.errors import Problem
from cairn.common.tokens import Signer, Token, Verifier
from cairn.keystone.core.encrypted_values import list_unreadable
from cairn.keystone.core.scopes import SYSTEM_ID
from cairn.keystone.db.models import (
    ROOT,
    ApplicationCredential,
    Assignment,
    Credential,
    Endpoint,
    Group,
    Project,
    Role,
    Service,
    Trust,
    User,
)
from cairn.keystone.providers import keys
from cairn.keystone.providers.encryption import Encryption
from cairn.keystone.settings import ApiSettings

BOOTSTRAP = "run cairn-manage keystone bootstrap"
ROLES = ("admin", "manager", "member", "reader", "service")
PLACEHOLDERS = {"project_id", "tenant_id", "user_id"}


def symptoms(settings: ApiSettings) -> Iterator[str]:
    """All that is wrong, one sentence each; nothing where all is well. Where the database does not
    answer, only what can be told without it."""
    yield from _tokens(settings)
    yield from _folders(settings)
    yield from _settings(settings)
    encryption = Encryption(settings.credentials.keys)
    try:
        encryption.encrypt("")
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
        yield from _beginning(session)
        yield from _catalog(session)
        yield from _orphans(session)
        yield from _over(session)
        yield from _secrets(encryption, session)


def _tokens(settings: ApiSettings) -> Iterator[str]:
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


def _folders(settings: ApiSettings) -> Iterator[str]:
    for name in dict.fromkeys((settings.tokens.keys, settings.credentials.keys)):
        folder = Path(name)
        if not folder.exists():
            continue
        for suffix in ("key", "next"):
            for number in keys.numbers(folder, suffix):
                file = folder / f"{number}.{suffix}"
                mode = stat.S_IMODE(file.stat().st_mode)
                if mode & 0o007:
                    yield f"{file} can be read by anyone on this host: chmod o= {file}"
                elif mode & 0o020:
                    yield f"{file} can be written by its group: chmod g-w {file}"
        for number in keys.numbers(folder, "next"):
            yield (f"{folder / f'{number}.next'} waits to be used: when it is on every controller, "
                   "rotate again without --stage")
    try:
        group = grp.getgrnam("cairn").gr_gid
    except KeyError:
        return  # Not a host of a cloud.
    folder = Path(settings.tokens.keys)
    for number in keys.numbers(folder, "key") if folder.exists() else []:
        file = folder / f"{number}.key"
        if file.stat().st_gid != group:
            yield f"{file} is not of group cairn, which the API runs as: chgrp cairn {file}"


def _settings(settings: ApiSettings) -> Iterator[str]:
    rules = settings.security_compliance
    if settings.tokens.expiration > 86400:
        yield (f"tokens.expiration is {settings.tokens.expiration} seconds: a token that is stolen "
               "is good for more than a day")
    if settings.throttle.account_failures <= 0 and rules.lockout_failure_attempts <= 0:
        yield ("throttle.account_failures and security_compliance.lockout_failure_attempts are 0: "
               "passwords may be guessed at any rate")
    if rules.password_regex:
        try:
            patterns.bounded(rules.password_regex)
        except ValueError as wrong:
            yield f"security_compliance.password_regex: {wrong}"
        if not rules.password_regex_description:
            yield ("security_compliance.password_regex has no password_regex_description: users "
                   "are not told what their passwords lack")
    if rules.password_expires_days and rules.minimum_password_age >= rules.password_expires_days:
        yield ("security_compliance.minimum_password_age is not below password_expires_days: a "
               "password expires before its user may change it")


def _beginning(session: Session) -> Iterator[str]:
    if session.get(Project, "default") is None:
        yield f"there is no Default domain: {BOOTSTRAP}"
    there = set(session.scalars(select(Role.name).where(Role.domain_id == ROOT)))
    for name in ROLES:
        if name not in there:
            yield f"there is no role {name}: {BOOTSTRAP}"
    admins = (
        select(User.id).join(Assignment, Assignment.actor_id == User.id)
        .join(Role, Role.id == Assignment.role_id)
        .where(Role.name == "admin", Role.domain_id == ROOT, User.enabled)
    )
    if session.scalar(admins.limit(1)) is None:
        yield f"no user that is enabled has the role admin anywhere: {BOOTSTRAP}"
    elif session.scalar(admins.where(Assignment.target_id == SYSTEM_ID).limit(1)) is None:
        yield f"no user that is enabled has the role admin on the system: {BOOTSTRAP}"


def _catalog(session: Session) -> Iterator[str]:
    for service in session.scalars(select(Service).where(Service.enabled)):
        name = f"service {service.name or service.id} ({service.type})"
        endpoints = list(session.scalars(
            select(Endpoint).where(Endpoint.service_id == service.id, Endpoint.enabled)
        ))
        if not endpoints:
            yield f"{name} has no endpoint"
        for endpoint in endpoints:
            wrong = _malformed(endpoint.url)
            if wrong:
                yield f"the {endpoint.interface} endpoint of {name} {wrong}: {endpoint.url}"
    if session.scalar(select(Service.id).where(Service.type == "identity")) is None:
        yield f"the catalog has no identity service: {BOOTSTRAP}"


def _malformed(url: str) -> str:
    """What is wrong with an endpoint's address, "" if nothing."""
    if re.match(r"https?://[^/\s]+", url) is None:
        return "is no http or https address"
    if re.search(r"\s", url):
        return "has a blank in it"
    names = re.findall(r"[$%]\(([^)]*)\)s", url)
    unknown = [name for name in names if name not in PLACEHOLDERS]
    if unknown:
        return f"asks for {', '.join(unknown)}, which nobody knows"
    if re.search(r"[$%]\(", re.sub(r"[$%]\([^)]*\)s", "", url)):
        return "has a placeholder that is not closed by )s"
    return ""


def _orphans(session: Session) -> Iterator[str]:
    """Rows without a foreign key, whose parents vanished."""
    people = select(User.id).union(select(Group.id))
    projects = select(Project.id)
    where: dict[str, tuple[Any, Any]] = {
        "role assignments of users or groups": (Assignment, Assignment.actor_id.not_in(people)),
        "role assignments on projects or domains": (
            Assignment, (Assignment.target_id != SYSTEM_ID)
            & Assignment.target_id.not_in(projects)),
        "credentials of users": (Credential, Credential.user_id.not_in(select(User.id))),
        "credentials of projects": (
            Credential, Credential.project_id.is_not(None)
            & Credential.project_id.not_in(projects)),
        "roles of domains": (
            Role, (Role.domain_id != ROOT) & Role.domain_id.not_in(projects)),
        "projects of domains": (
            Project, (Project.domain_id != ROOT) & Project.domain_id.not_in(projects)),
    }
    for what, (model, condition) in where.items():
        count = session.scalar(select(func.count()).select_from(model).where(condition))
        if count:
            yield f"{count} {what} that are gone: delete them"


def _over(session: Session) -> Iterator[str]:
    """What is kept but works no more."""
    now = utcnow()
    for what, model in (("trusts", Trust), ("application credentials", ApplicationCredential)):
        over: Any = model.expires_at <= now
        if model is Trust:
            over = or_(over, Trust.remaining_uses == 0)
        count = session.scalar(select(func.count()).select_from(model).where(over))
        if count and count >= 1000:
            yield f"{count} {what} have expired or are used up: delete them"


def _secrets(encryption: Encryption, session: Session) -> Iterable[str]:
    try:
        lost = list_unreadable(encryption, session)
    except (Problem, InvalidToken, OSError, ValueError):
        return []  # The keys themselves; told above.
    return [f"{each} cannot be decrypted with any key in {encryption.folder}: bring its key back, "
            "or delete it" for each in lost]
