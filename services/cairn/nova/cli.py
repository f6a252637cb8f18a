"""cairn-manage nova: what an operator may do by hand."""

import argparse
from pathlib import Path

from cairn.common.db import Database
from cairn.common.flows import document
from cairn.common.settings import load
from cairn.nova.core import quotas
from cairn.nova.core.flows import actions
from cairn.nova.settings import ApiProcess


def recount(rest: list[str], conf: Path) -> int:
    """Make the quota usages say what the servers say."""
    parser = argparse.ArgumentParser(prog="cairn-manage nova recount", description=recount.__doc__)
    parser.parse_args(rest)
    settings = load(ApiProcess, conf)
    wrong = Database(settings.database.url).write(quotas.recount)
    print("changed" if wrong else "ok")
    return 0


PAGE = """# Server actions

What may be done to a server, in which states, and what happens then. Each step is an event that
the server's owner sees (`openstack server event show`). Made from the declarations in
`services/cairn/nova/core/flows`: `cairn-manage nova actions` prints this page.

"""


def list_actions(rest: list[str], conf: Path) -> int:
    """Print the page of what may be done to servers."""
    parser = argparse.ArgumentParser(prog="cairn-manage nova actions",
                                     description=list_actions.__doc__)
    parser.parse_args(rest)
    print(PAGE + document(actions().values()), end="")
    return 0


VERBS = {"actions": list_actions, "recount": recount}
