"""cairn-manage: what an operator, or the deployment, may do by hand on a controller.

    cairn-manage nova db sync
    cairn-manage nova purge --dry-run
    cairn-manage keystone bootstrap --file -

A component's own verbs are in its cli.py: `VERBS: dict[str, Callable[[list[str], Path], int]]`.
"""

import argparse
import importlib
import sys
from pathlib import Path
from typing import Any

import cairn
from cairn.common import logs
from cairn.common.db import Database
from cairn.common.process import find
from cairn.common.settings import load

# The packages of ours that have processes.
COMPONENTS = tuple(sorted(
    path.parent.name for root in cairn.__path__ for path in Path(root).glob("*/processes.py")))


def main() -> None:
    """The command: ends with what its verb returns, with 2 when it was called wrongly."""
    parser = argparse.ArgumentParser(prog="cairn-manage", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--settings", type=Path, help="default /etc/cairn/api/COMPONENT-api.conf")
    parser.add_argument("component", choices=COMPONENTS)
    parser.add_argument("verb")
    parser.add_argument("rest", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    logs.start("WARNING")
    component = options.component
    conf = options.settings or Path(f"/etc/cairn/api/{component}-api.conf")
    if options.verb == "db":
        sys.exit(_database(component, conf, options.rest))
    if options.verb == "purge":
        sys.exit(_purge(component, options.settings, options.rest))
    try:
        verbs: dict[str, Any] = importlib.import_module(f"cairn.{component}.cli").VERBS
    except ModuleNotFoundError:
        verbs = {}
    if options.verb not in verbs:
        has = ", ".join(["db", "purge", *verbs])
        parser.error(f"{component} has no {options.verb}; it has: {has}")
    sys.exit(verbs[options.verb](options.rest, conf))


def _database(component: str, conf: Path, rest: list[str]) -> int:
    from cairn.common import migrate

    parser = argparse.ArgumentParser(prog=f"cairn-manage {component} db")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("sync", help="bring the schema up to date; prints changed or ok")
    revision = actions.add_parser("revision", help="write a revision from the models (developers)")
    revision.add_argument("number")
    revision.add_argument("message")
    options = parser.parse_args(rest)
    if options.action == "revision":
        migrate.revise(component, Database("sqlite://"), options.message, options.number)
        return 0
    settings: Any = load(find(f"{component}-api").settings, conf)
    print("changed" if migrate.sync(component, Database(settings.database.url)) else "ok")
    return 0


def _purge(component: str, conf: Path | None, rest: list[str]) -> int:
    from cairn.common.client import Neighbours

    parser = argparse.ArgumentParser(
        prog=f"cairn-manage {component} purge",
        description="Forget now what has aged, as its settings say; it goes by itself, too.")
    parser.add_argument("--dry-run", action="store_true", help="say what would go, remove nothing")
    options = parser.parse_args(rest)
    room: Any = importlib.import_module(f"cairn.{component}.core.purge")
    process = find(room.PROCESS)
    settings: Any = load(process.settings, conf or Path("/etc/cairn", process.pack,
                                                        f"{room.PROCESS}.conf"))
    cloud = Neighbours(settings.identity) if settings.identity.auth_url else None
    gone = room.make(settings, Database(settings.database.url), cloud).run(options.dry_run)
    for what, many in gone.items():
        print(f"{many} {what}")
    print("changed" if any(gone.values()) and not options.dry_run else "ok")
    return 0
