"""cairn-manage nova: what an operator may do by hand."""

import argparse
import datetime as dt
from pathlib import Path

from cairn.common.db import Database, utcnow
from cairn.common.settings import load
from cairn.nova.core import quotas, servers
from cairn.nova.settings import ApiProcess


def recount(rest: list[str], conf: Path) -> int:
    """Make the quota usages say what the servers say."""
    parser = argparse.ArgumentParser(prog="cairn-manage nova recount", description=recount.__doc__)
    parser.parse_args(rest)
    settings = load(ApiProcess, conf)
    wrong = Database(settings.database.url).write(quotas.recount)
    print("changed" if wrong else "ok")
    return 0


def purge(rest: list[str], conf: Path) -> int:
    """Forget servers that were deleted long ago, and what was done to them."""
    parser = argparse.ArgumentParser(prog="cairn-manage nova purge", description=purge.__doc__)
    parser.add_argument("--days", type=int, default=90, help="how long ago (default %(default)s)")
    options = parser.parse_args(rest)
    settings = load(ApiProcess, conf)
    before = utcnow() - dt.timedelta(days=options.days)
    gone = Database(settings.database.url).write(lambda s: servers.purge(s, before))
    print(f"changed: {gone} servers" if gone else "ok")
    return 0


VERBS = {"purge": purge, "recount": recount}
