"""Accounts at the broker: one for the controllers, one for each other host (docs/adr/0017).

An account has a letterbox, an exchange of its name: what is put in there reaches that account and
nobody else. The queues of a host begin with its account, and it may make no others.
"""

from urllib.parse import unquote, urlsplit

CONTROLLER = "controller"
_HOST = "host."


def of_host(host: str) -> str:
    """The account by which a host's agents enter the broker."""
    return _HOST + host


def host_of(account: str) -> str | None:
    """The host an account is of; None for the controllers' and for what is no account of ours."""
    return account.removeprefix(_HOST) if account.startswith(_HOST) else None


def of_url(url: str) -> str:
    """Who enters the broker by that URL. One without a name is a test's, in memory."""
    return unquote(urlsplit(url).username or CONTROLLER)


def queue(account: str, name: str) -> str:
    """What an account calls a queue of its own."""
    return name if account == CONTROLLER else f"{account}:{name}"
