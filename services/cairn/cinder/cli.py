"""cairn-manage cinder: what an operator may do by hand."""

import argparse
from pathlib import Path

from cairn.cinder.core.flows import actions
from cairn.common.flows import document

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


VERBS = {"actions": list_actions}
