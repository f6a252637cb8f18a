"""Why a login is refused: for the operator to read."""

import logging

from cairn.common.errors import Unauthorized
from cairn.keystone.core import client_address

log = logging.getLogger(__name__)


def refuse(reason: str) -> Unauthorized:
    """The reason is the operator's to read; the caller learns only that it was no good."""
    # What the caller named is part of it: in one line, whatever that was.
    told = reason[:500].encode("unicode_escape").decode()
    log.warning("login refused: address=%s reason=%s", client_address.address(), told)
    return Unauthorized()
