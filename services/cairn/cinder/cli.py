"""cairn-manage cinder: what an operator may do by hand."""

import argparse
import sys
from pathlib import Path

from cairn.cinder.audit import report, run
from cairn.cinder.component import Cinder
from cairn.cinder.core.flows import actions
from cairn.cinder.neighbours import over_http
from cairn.cinder.policy import RULES
from cairn.cinder.rpc import Scheduler, Volume
from cairn.cinder.settings import ApiProcess
from cairn.common.bus import Bus
from cairn.common.client import Neighbours
from cairn.common.context import Context
from cairn.common.db import Database
from cairn.common.flows import document
from cairn.common.policy import Policy
from cairn.common.settings import load

PAGE = """# Volume actions

What may be done to a volume and what belongs to it, in which states, and what happens then. Made
from the declarations in `services/cairn/cinder/core/flows`: `cairn-manage cinder actions` prints
this page.

"""


def list_actions(rest: list[str], conf: Path) -> int:
    """Print the page of what may be done to volumes."""
    parser = argparse.ArgumentParser(prog="cairn-manage cinder actions",
                                     description=list_actions.__doc__)
    parser.parse_args(rest)
    print(PAGE + document(actions().values()), end="")
    return 0


def audit(rest: list[str], conf: Path) -> int:
    """Say where the database, the backends and the guests do not agree: nothing and 0 when all is
    well, 1 when something is not mended. Changes nothing unless it is told to."""
    parser = argparse.ArgumentParser(prog="cairn-manage cinder audit", description=audit.__doc__)
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    parser.add_argument("--mend", action="store_true", help="mend what is safe to mend")
    parser.add_argument(
        "--grace", type=float, default=300.0, metavar="SECONDS",
        help="leave alone what changed so lately and is no work, as a request may be at it "
        "(default %(default).0f)")
    orphans = parser.add_mutually_exclusive_group()
    orphans.add_argument(
        "--unmanage-orphans", action="store_const", dest="orphans", const=run.UNMANAGE,
        default=run.KEEP, help="let volumes and snapshots without a row be managed again")
    orphans.add_argument(
        "--delete-orphans", action="store_const", dest="orphans", const=run.DELETE,
        help="remove for ever what has no row: volumes, snapshots, backups, keys")
    options = parser.parse_args(rest)
    cinder, ctx = _cinder(load(ApiProcess, conf)), Context("audit", roles=frozenset({"admin"}))
    findings = run.audit(cinder, ctx, options.grace)
    results = run.mend(cinder, ctx, findings, safe=options.mend, orphans=options.orphans)
    sys.stdout.write(report.document(results) if options.json else report.table(results))
    return 1 if any(each.said != "done" for each in results) else 0


def _cinder(settings: ApiProcess) -> Cinder:
    bus = Bus(settings.messaging)
    return Cinder(
        db=Database(settings.database.url), policy=Policy(RULES, settings.policy.file),
        scheduler=Scheduler(bus), volume=Volume(bus),
        cloud=over_http(Neighbours(settings.identity)), api=settings.api, quota=settings.quota,
        service=settings.service, encryption=settings.encryption)


VERBS = {"actions": list_actions, "audit": audit}
