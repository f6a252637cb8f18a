# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""From what components publish to what keystone begins with."""

from __future__ import annotations

INTERFACES = ("public", "internal", "admin")


def service_users(published, secrets):
    """The users of the components' processes, in the services' project, each with the secret of its
    name."""
    return [
        {
            "name": user["name"],
            "password": secrets[f"{user['name'].replace('-', '_')}_user_password"],
            "project": "service",
            "roles": list(user["roles"]),
        }
        for users in published.values()
        for user in users
    ]


def catalog(endpoints, url):
    """The services with their endpoints: one proxy answers for everybody."""
    return [
        {
            "type": endpoint["type"],
            "name": endpoint["name"],
            "description": endpoint.get("description", ""),
            "endpoints": dict.fromkeys(INTERFACES, url + endpoint["path"]),
        }
        for endpoint in endpoints
    ]


class FilterModule:
    def filters(self):
        return {"catalog": catalog, "service_users": service_users}
