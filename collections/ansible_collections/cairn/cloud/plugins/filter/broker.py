# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""Who may enter the cloud's message broker, and what each may do there (docs/adr/0017).

An account's letterbox is an exchange of its name. A host makes queues that begin with its account,
binds them to its own letterbox and to what is told to all, and puts messages into its own letterbox
and the controllers'. Nothing else.
"""

from __future__ import annotations

import re

# What hosts may put into the controllers' letterbox, by routing key, and what they all may hear.
FROM_HOSTS = ("nova.conductor", "neutron.server")
TO_HOSTS = ("neutron.agent.all",)
TO_CONTROLLERS = ("identity.revocations.all",)
CONTROLLER = "controller"
# A host's agents have about eight, and twice that while they are started anew.
CONNECTIONS = 64


def _one_of(*patterns):
    return f"^({'|'.join(patterns)})$"


def _host(account, password):
    own = re.escape(account)
    queues = f"{own}:[^\\n]*"
    return {
        "password": password,
        "connections": CONNECTIONS,
        "configure": _one_of(queues),
        "write": _one_of(own, queues, CONTROLLER),
        "read": _one_of(own, queues, *map(re.escape, TO_HOSTS)),
        "topics": {CONTROLLER: {
            "write": _one_of(*map(re.escape, FROM_HOSTS), "reply\\.[0-9a-f]{32}"),
            "read": "^$",
        }},
    }


def broker_accounts(passwords, controller_password):
    """Accounts for rabbitmq_users; `passwords` are those of the hosts by the hosts' names."""
    return {
        CONTROLLER: {"password": controller_password},
        **{f"host.{name}": _host(f"host.{name}", password)
           for name, password in passwords.items()},
    }


def broker_exchanges(hosts):
    """Exchanges for rabbitmq_exchanges: each account's letterbox, and what is told to all."""
    return {
        **dict.fromkeys((CONTROLLER, *(f"host.{host}" for host in hosts)), "topic"),
        **dict.fromkeys((*TO_HOSTS, *TO_CONTROLLERS), "fanout"),
    }


class FilterModule:
    def filters(self):
        return {"broker_accounts": broker_accounts, "broker_exchanges": broker_exchanges}
