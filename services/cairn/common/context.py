"""Who is asking, carried explicitly from the token to the last RPC."""

import uuid
from dataclasses import dataclass, field, fields, replace
from typing import Any

UNSENT = {"token", "access_rules", "host"}
SERVICE = "service"  # The role by which the cloud's components know each other.


def new_request_id() -> str:
    """By which all that is done for one request is found."""
    return f"req-{uuid.uuid4()}"


@dataclass(frozen=True, slots=True)
class Context:
    """A caller and what it asks with. Ids are strings, None where the scope has none."""

    user_id: str = ""
    user_name: str = ""
    user_domain_id: str = ""
    user_domain_name: str = ""
    project_id: str | None = None
    project_name: str | None = None
    project_domain_id: str | None = None
    project_domain_name: str | None = None
    domain_id: str | None = None
    domain_name: str | None = None
    system: bool = False
    roles: frozenset[str] = field(default_factory=frozenset)
    request_id: str = "req-none"
    global_request_id: str | None = None
    traceparent: str | None = None
    # The microversion negotiated for this request, (major, minor).
    version: tuple[int, int] = (0, 0)
    # The token as it came: for questions to neighbours on the caller's behalf. Never sent by RPC.
    token: str = field(default="", repr=False)
    # The only requests the token may be used for, None for any. Never sent by RPC.
    access_rules: list[dict[str, str]] | None = field(default=None, repr=False)
    # Unix time the token was issued at, 0 when there is none.
    issued_at: float = 0.0
    # The compute or network host that sent the message, as the broker knows it; None where a
    # controller asks. Never taken from the message itself.
    host: str | None = None

    @property
    def is_admin(self) -> bool:
        return "admin" in self.roles

    @property
    def is_service(self) -> bool:
        """One of the cloud's own: role service on the service project (common/auth.py takes the
        role from every other token)."""
        return SERVICE in self.roles

    @property
    def project(self) -> str:
        """The project the caller is scoped to, "" if none: what owns what the caller makes."""
        return self.project_id or ""

    def at(self, version: tuple[int, int]) -> "Context":
        return replace(self, version=version)

    def to_wire(self) -> dict[str, Any]:
        """JSON-safe, without the token: what lies in a queue or a table may be read by others."""
        wire = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in UNSENT}
        return wire | {"roles": sorted(self.roles), "version": list(self.version)}

    @classmethod
    def from_host(cls, host: str, wire: dict[str, Any]) -> "Context":
        """A host's own. It may say for which request it asks, and nothing about who it is."""
        said = {name: str(wire[name])[:255] for name in ("request_id", "global_request_id")
                if wire.get(name)}
        return cls(host=host, **said)  # type: ignore[arg-type]

    @classmethod
    def from_wire(cls, wire: dict[str, Any]) -> "Context":
        names = {f.name for f in fields(cls)} - UNSENT
        kept = {name: value for name, value in wire.items() if name in names}
        kept["roles"] = frozenset(kept.get("roles", ()))
        kept["version"] = tuple(kept.get("version", (0, 0)))
        return cls(**kept)
