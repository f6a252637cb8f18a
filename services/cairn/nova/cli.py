"""cairn-manage nova: what an operator may do by hand."""

import argparse
from pathlib import Path

from cairn.common.db import Database
from cairn.common.settings import load
from cairn.nova.core import quotas
from cairn.nova.settings import ApiProcess


def recount(rest: list[str], conf: Path) -> int:
    """Make the quota usages say what the servers say."""
    parser = argparse.ArgumentParser(prog="cairn-manage nova recount", description=recount.__doc__)
    parser.parse_args(rest)
    settings = load(ApiProcess, conf)
    wrong = Database(settings.database.url).write(quotas.recount)
    print("changed" if wrong else "ok")
    return 0


VERBS = {"recount": recount}
