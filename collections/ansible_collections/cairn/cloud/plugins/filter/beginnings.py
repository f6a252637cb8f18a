# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""From what components publish to what keystone begins with."""

from __future__ import annotations

from ansible_collections.cairn.cloud.plugins.filter.components import user_secret

INTERFACES = ("public", "internal", "admin")


def service_users(published, secrets):
    """The users of the components' processes, in the services' project, each with the secret of its
    name."""
    return [
        {
            "name": user["name"],
            "password": secrets[user_secret(user["name"])],
            "project": "service",
            "roles": list(user["roles"]),
        }
        for users in published.values()
        for user in users
    ]


def catalog(endpoints, url):
    """The services with their endpoints: one proxy answers for everybody. A service has an entry
    for each type that clients look for."""
    return [
        {
            "type": type_,
            "name": name,
            "description": endpoint.get("description", ""),
            "endpoints": dict.fromkeys(INTERFACES, url + endpoint["path"]),
        }
        for endpoint in endpoints
        for type_, name in [(endpoint["type"], endpoint["name"]),
                            *endpoint.get("aliases", {}).items()]
    ]


def private_urls(endpoints, url):
    """Of each service one address that no stranger may read."""
    return [url + endpoint["path"] + endpoint["private"] for endpoint in endpoints]


class FilterModule:
    def filters(self):
        return {"catalog": catalog, "private_urls": private_urls, "service_users": service_users}
