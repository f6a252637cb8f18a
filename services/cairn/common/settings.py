"""Settings are dataclasses: one per section, every field with a default and a sentence."""

import dataclasses
from configparser import ConfigParser
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

T = TypeVar("T")


class BadSetting(Exception):
    """A settings file has a name nobody declared or a value that does not fit; says which."""


def option(default: Any, about: str) -> Any:
    """A field of a section: its default, and the sentence that documents it."""
    return dataclasses.field(default=default, metadata={"about": about})


def section(kind: type[T]) -> T:
    """A field that is a section: its options have their defaults until a file says other."""
    return dataclasses.field(default_factory=kind)


@dataclasses.dataclass(frozen=True)
class DatabaseSettings:
    """[database]: where the records are."""

    url: str = option("sqlite://", "Where the component keeps its records, as a SQLAlchemy URL.")
    pool_size: int = option(8, "Connections kept open to the database by one process.")


@dataclasses.dataclass(frozen=True)
class MessagingSettings:
    """[messaging]: the broker, and who we are to it."""

    url: str = option("memory://", "The broker, as a kombu URL (amqps://user:password@host/vhost).")
    ca_file: str = option("", "CA that the broker's certificate must come from.")
    cert_file: str = option("", "This host's certificate, which the broker wants to see.")
    key_file: str = option("", "The certificate's key.")


@dataclasses.dataclass(frozen=True)
class IdentitySettings:
    """[identity]: whose tokens are good, and how neighbours are asked."""

    public_keys: str = option(
        "/etc/cairn/keys/token", "Folder of the public keys (*.pub) that tokens are verified with."
    )
    auth_url: str = option("", "Keystone's URL, ending in /v3; empty where nothing is asked of it.")
    username: str = option("", "This component's service user.")
    password: str = option("", "Its password.")
    project_name: str = option("service", "The project its tokens are scoped to.")
    user_domain_name: str = option("Default", "Domain of the service user.")
    project_domain_name: str = option("Default", "Domain of the service project.")
    region: str = option("RegionOne", "Region whose endpoints are used.")
    ca_file: str = option("", "CA that the endpoints' certificates must come from.")


@dataclasses.dataclass(frozen=True)
class PolicySettings:
    """[policy]: what an operator rules otherwise."""

    file: str = option("", "YAML file of policy overrides in oslo.policy's syntax; empty: none.")


@dataclasses.dataclass(frozen=True)
class PurgeSettings:
    """When a component forgets what has aged; a component's own section says what ages how."""

    interval: float = option(3600.0, "Seconds between two purges; 0: only by hand.")
    batch: int = option(500, "Things that one transaction of a purge removes.")
    most: int = option(50_000, "Things of one kind that one purge removes; the next goes on.")
    event_days: float = option(
        7.0, "Days that an event is kept at least, and until all its readers have passed it; "
             "0: for ever.")
    reader_days: float = option(30.0, "Days after which a reader of events that was not seen is "
                                      "forgotten; more than event_days.")


def load(kind: type[T], *files: Path) -> T:
    """Read INI files, later ones over earlier. A name nobody declared is refused, not ignored."""
    parser = ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(files)
    sections = get_type_hints(kind)
    given: dict[str, Any] = {}
    for name in parser.sections():
        if name not in sections:
            raise BadSetting(f"[{name}]: no such section")
        given[name] = _section(sections[name], name, parser)
    return kind(**given)


def _section(kind: Any, name: str, parser: ConfigParser) -> Any:
    read: dict[Any, Any] = {
        bool: parser.getboolean, int: parser.getint, float: parser.getfloat, str: parser.get,
    }
    types = get_type_hints(kind)
    values = {}
    for key in parser[name]:
        if key not in types:
            raise BadSetting(f"[{name}] {key}: no such option")
        try:
            values[key] = read[types[key]](name, key)
        except ValueError as wrong:
            raise BadSetting(f"[{name}] {key}: {wrong}") from wrong
    return kind(**values)
