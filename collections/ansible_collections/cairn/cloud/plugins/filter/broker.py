# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""Who may enter the cloud's message broker, and what each may do there (docs/adr/0017).

An account's letterbox is an exchange of its name. A host makes queues that begin with its account,
binds them to its own letterbox and to what is told to all, and puts messages into its own letterbox
and the controllers'. Nothing else.

What that is, components publish as C(<role>_broker): C(from_hosts), the routing keys by which
hosts may put messages into the controllers' letterbox; C(to_hosts), the exchanges that all hosts
hear; and C(to_controllers), those that all controllers hear.
"""

from __future__ import annotations

import re

CONTROLLER = "controller"
# A host's agents have about eight, and twice that while they are started anew.
CONNECTIONS = 64


def _one_of(*patterns):
    return f"^({'|'.join(patterns)})$"


def _all(published, what):
    """What any component publishes of it."""
    return sorted({name for theirs in published.values() for name in theirs.get(what, ())})


def _host(account, password, published):
    own = re.escape(account)
    queues = f"{own}:[^\\n]*"
    return {
        "password": password,
        "connections": CONNECTIONS,
        "configure": _one_of(queues),
        "write": _one_of(own, queues, CONTROLLER),
        "read": _one_of(own, queues, *map(re.escape, _all(published, "to_hosts"))),
        "topics": {CONTROLLER: {
            "write": _one_of(*map(re.escape, _all(published, "from_hosts")),
                             "reply\\.[0-9a-f]{32}"),
            "read": "^$",
        }},
    }


def broker_accounts(passwords, controller_password, published):
    """Accounts for rabbitmq_users; `passwords` are those of the hosts by the hosts' names."""
    return {
        CONTROLLER: {"password": controller_password},
        **{f"host.{name}": _host(f"host.{name}", password, published)
           for name, password in passwords.items()},
    }


def broker_exchanges(hosts, published):
    """Exchanges for rabbitmq_exchanges: each account's letterbox, and what is told to all."""
    told = (*_all(published, "to_hosts"), *_all(published, "to_controllers"))
    return {
        **dict.fromkeys((CONTROLLER, *(f"host.{host}" for host in hosts)), "topic"),
        **dict.fromkeys(told, "fanout"),
    }


class FilterModule:
    def filters(self):
        return {"broker_accounts": broker_accounts, "broker_exchanges": broker_exchanges}
