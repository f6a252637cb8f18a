"""A cloud as this command knows it: a name and a directory with everything it must remember."""

import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cairn.deploy.errors import Failed, Refused

DEFAULT_NAME = "cairn"
# The longest name of an interface is 15: the lab's bridges are `cl-NAME` and `cl-NAMEx`.
NAME = re.compile(r"[a-z][a-z0-9-]{0,10}")


def home() -> Path:
    """The directory that holds every cloud's state directory."""
    return Path(os.environ.get("CAIRN_STATE_HOME", "/var/lib/cairn-deploy"))


@dataclass
class Record:
    """What was decided when the cloud was first asked for, so that a rerun decides the same."""

    # "lab" for nodes made on this machine, "host" for this machine itself.
    place: str
    topology: str
    # Tells labs of one machine apart: 172.30.NUMBER.0/24 and 172.31.NUMBER.0/24.
    number: int = 0
    # Whether the deployment has ever come to its end.
    complete: bool = False


@dataclass(frozen=True)
class Cloud:
    name: str
    directory: Path = field(init=False)

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise Refused(
                f"'{self.name}' cannot be a cloud's name",
                "Use up to 11 small letters, digits and dashes, a letter first.",
            )
        object.__setattr__(self, "directory", home() / self.name)

    # Who one can be on it, by the names of entries in clouds.yaml: they begin with the cloud's.

    @property
    def admin(self) -> str:
        return self.name

    @property
    def demo(self) -> str:
        return f"{self.name}-demo"

    @property
    def inventory(self) -> Path:
        return self.directory / "inventory"

    @property
    def answers(self) -> Path:
        return self.directory / "answers.conf"

    @property
    def ca(self) -> Path:
        return self.directory / "ca.pem"

    @property
    def clouds_yaml(self) -> Path:
        return self.directory / "clouds.yaml"

    @property
    def openrc(self) -> Path:
        return self.directory / "openrc"

    @property
    def logs(self) -> Path:
        return self.directory / "logs"

    @property
    def runs(self) -> Path:
        return self.directory / "runs"

    @property
    def _record(self) -> Path:
        return self.directory / "cloud.json"

    def record(self) -> Record | None:
        """What is remembered of it, None if there is no such cloud."""
        try:
            return Record(**json.loads(self._record.read_text()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as wrong:
            raise Failed(f"{self._record} is damaged: {wrong}") from wrong

    def existing(self) -> Record:
        record = self.record()
        if record is None:
            others = ", ".join(cloud.name for cloud in every()) or "none"
            raise Failed(
                f"there is no cloud named '{self.name}' here (there is: {others})",
                "Build it with: ./cairn up",
            )
        return record

    def remember(self, record: Record) -> None:
        home().mkdir(mode=0o755, parents=True, exist_ok=True)
        self.directory.mkdir(mode=0o700, exist_ok=True)
        write(self._record, json.dumps(asdict(record), indent=1) + "\n")

    def forget(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)
        try:
            home().rmdir()
        except OSError:
            pass  # Another cloud's directory is in it.

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the cloud: two commands that change it must not run at once."""
        path = Path(os.environ.get("CAIRN_LOCK_DIR", "/run/lock")) / f"cairn-{self.name}.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # The last holder takes the file away: what was locked may be nobody's any more.
                if not path.exists() or not os.path.samestat(path.stat(), os.fstat(file.fileno())):
                    raise BlockingIOError
            except BlockingIOError:
                file.seek(0)
                holder = file.read().strip() or "just ending"
                raise Failed(
                    f"another command is changing the cloud '{self.name}' (process {holder})",
                    "Wait until it ends, or stop it, then run this again.",
                ) from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            try:
                yield
            finally:
                path.unlink(missing_ok=True)


def every() -> list[Cloud]:
    """The clouds this machine knows of."""
    records = sorted(home().glob("*/cloud.json")) if home().is_dir() else []
    return [Cloud(path.parent.name) for path in records]


def chosen(name: str | None) -> Cloud:
    """The cloud that is meant: the named one, else the only one there is, else the default."""
    if name is None:
        clouds = every()
        name = clouds[0].name if len(clouds) == 1 else DEFAULT_NAME
    return Cloud(name)


def write(path: Path, text: str, mode: int = 0o600) -> None:
    """Replace a file whole, never readable by others at any moment."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
    new.replace(path)
