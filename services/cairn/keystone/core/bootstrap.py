"""What a cloud's identity begins with: idempotent, and the same transaction when it only looks."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.common.api import Document, Validator
from cairn.common.db import Database, utcnow
from cairn.keystone.core.domain_names import DEFAULT
from cairn.keystone.core.scopes import SYSTEM_ID
from cairn.keystone.db.models import (
    ROOT,
    Assignment,
    Endpoint,
    ImpliedRole,
    Project,
    Region,
    Revoked,
    Role,
    Service,
    User,
)
from cairn.keystone.providers import passwords
from cairn.keystone.providers.clock import Clock
from cairn.keystone.providers.directory import CATALOG, ROLES, touch

# Each implies the next; service stands alone.
PERSONAS = ("admin", "manager", "member", "reader")

_strings = {"type": "array", "items": {"type": "string", "minLength": 1}}
DOCUMENT = Validator({
    "type": "object",
    "required": ["admin", "region"],
    "properties": {
        "admin": {
            "type": "object", "required": ["password"],
            "properties": {"password": {"type": "string", "minLength": 1}},
            "additionalProperties": False,
        },
        "region": {"type": "string", "minLength": 1},
        "roles": _strings,
        "projects": _strings,
        "users": {"type": "array", "items": {
            "type": "object",
            "required": ["name", "password", "project", "roles"],
            "properties": {
                "name": {"type": "string", "minLength": 1},
                "password": {"type": "string", "minLength": 1},
                "project": {"type": "string", "minLength": 1},
                "roles": _strings,
            },
            "additionalProperties": False,
        }},
        "former_users": _strings,
        "services": {"type": "array", "items": {
            "type": "object",
            "required": ["type", "name", "endpoints"],
            "properties": {
                "type": {"type": "string", "minLength": 1},
                "name": {"type": "string", "minLength": 1},
                "description": {"type": "string"},
                "endpoints": {
                    "type": "object",
                    "properties": {
                        interface: {"type": "string", "minLength": 1}
                        for interface in ("public", "internal", "admin")
                    },
                    "additionalProperties": False,
                },
            },
            "additionalProperties": False,
        }},
    },
    "additionalProperties": False,
}, "document")


class _Pretended(Exception):
    """Takes the transaction back."""


def bootstrap(db: Database, document: Document, *, pretend: bool = False) -> list[str]:
    """Make what is missing of `document`; what was (or would be) made or changed, in words.
    Raises Invalid for a document that is not as it should be."""
    DOCUMENT(document)
    done: list[str] = []
    now = Clock(db).now()
    try:
        with db.writing() as session:
            work = _Bootstrap(session, now, done)
            work.everything(document)
            if pretend:
                raise _Pretended
    except _Pretended:
        pass
    return done


@dataclass
class _Bootstrap:
    session: Session
    now: float
    done: list[str] = field(default_factory=list)

    def everything(self, document: Document) -> None:
        self.domain()
        roles = {name: self.role(name) for name in
                 (*PERSONAS, "service", *document.get("roles", []))}
        for prior, implied in zip(PERSONAS, PERSONAS[1:], strict=False):
            self.imply(roles[prior], roles[implied])
        projects = {name: self.project(name) for name in
                    ("admin", *document.get("projects", []))}
        admin = self.user("admin", document["admin"]["password"])
        self.grant(admin, roles["admin"], "project", projects["admin"].id)
        self.grant(admin, roles["admin"], "system", SYSTEM_ID)
        for request in document.get("users", []):
            user = self.user(request["name"], request["password"])
            project = projects.get(request["project"]) or self.project(request["project"])
            for name in request["roles"]:
                role = roles.get(name) or self.role(name)
                self.grant(user, role, "project", project.id)
        for name in document.get("former_users", []):
            self.end(name)
        self.region(document["region"])
        for request in document.get("services", []):
            self.service(document["region"], request)

    def made(self, what: str, row: Any) -> Any:
        self.session.add(row)
        self.session.flush()
        self.done.append(what)
        return row

    def domain(self) -> None:
        if self.session.get(Project, DEFAULT) is None:
            self.made("domain Default", Project(
                id=DEFAULT, name="Default", domain_id=ROOT, is_domain=True,
                description="The default domain",
            ))

    def role(self, name: str) -> Role:
        existing = self.session.scalar(
            select(Role).where(Role.name == name, Role.domain_id == ROOT)
        )
        if existing is not None:
            return existing
        touch(self.session, ROLES)
        options = {"immutable": True} if name in (*PERSONAS, "service") else {}
        role: Role = self.made(f"role {name}", Role(name=name, domain_id=ROOT, options=options))
        return role

    def imply(self, prior: Role, implied: Role) -> None:
        if self.session.get(ImpliedRole, (prior.id, implied.id)) is None:
            self.made(f"role {prior.name} implies {implied.name}",
                      ImpliedRole(prior_id=prior.id, implied_id=implied.id))
            touch(self.session, ROLES)

    def project(self, name: str) -> Project:
        existing = self.session.scalar(
            select(Project).where(Project.name == name, Project.domain_id == DEFAULT)
        )
        if existing is not None:
            return existing
        project: Project = self.made(
            f"project {name}", Project(name=name, domain_id=DEFAULT, parent_id=DEFAULT)
        )
        return project

    def user(self, name: str, password: str) -> User:
        user = self.session.scalar(
            select(User).where(User.name == name, User.domain_id == DEFAULT)
        )
        if user is None:
            user = User(name=name, domain_id=DEFAULT)
            user.password_hash, user.password_set_at = passwords.hashed(password), utcnow()
            made: User = self.made(f"user {name}", user)
            return made
        if not passwords.Passwords().right(user.id, user.password_hash, password):
            user.password_hash, user.password_set_at = passwords.hashed(password), utcnow()
            # The APIs read it before their next request.
            self.session.add(Revoked(issued_before=self.now, user_id=user.id))
            self.done.append(f"password of {name}")
        if not user.enabled:
            user.enabled = True
            self.done.append(f"user {name} enabled")
        return user

    def end(self, name: str) -> None:
        """A user that the cloud once had opens nothing any more."""
        user = self.session.scalar(
            select(User).where(User.name == name, User.domain_id == DEFAULT, User.enabled)
        )
        if user is not None:
            user.enabled = False
            self.session.add(Revoked(issued_before=self.now, user_id=user.id))
            self.done.append(f"user {name} disabled")

    def grant(self, user: User, role: Role, target: str, target_id: str) -> None:
        key = (user.id, target_id, role.id, target, False)
        if self.session.get(Assignment, key) is None:
            self.made(f"role {role.name} of {user.name} on {target} {target_id}", Assignment(
                actor="user", actor_id=user.id, target=target, target_id=target_id,
                role_id=role.id, inherited=False,
            ))

    def region(self, name: str) -> None:
        if self.session.get(Region, name) is None:
            self.made(f"region {name}", Region(id=name))

    def service(self, region: str, request: Document) -> None:
        service = self.session.scalar(select(Service).where(
            Service.type == request["type"], Service.name == request["name"]
        ))
        described = {"description": request["description"]} if "description" in request else {}
        if service is None:
            touch(self.session, CATALOG)
            service = self.made(f"service {request['name']}", Service(
                type=request["type"], name=request["name"], extra=described
            ))
        elif described and service.extra.get("description") != described["description"]:
            service.extra = {**service.extra, **described}
            self.done.append(f"description of service {request['name']}")
        for interface, url in request["endpoints"].items():
            self.endpoint(service, region, interface, url)

    def endpoint(self, service: Service, region: str, interface: str, url: str) -> None:
        endpoint = self.session.scalar(select(Endpoint).where(
            Endpoint.service_id == service.id, Endpoint.region_id == region,
            Endpoint.interface == interface,
        ))
        if endpoint is None:
            self.made(f"{interface} endpoint of {service.name}", Endpoint(
                service_id=service.id, region_id=region, interface=interface, url=url
            ))
        elif endpoint.url != url or not endpoint.enabled:
            endpoint.url, endpoint.enabled = url, True
            self.done.append(f"{interface} endpoint of {service.name}")
        else:
            return
        touch(self.session, CATALOG)
