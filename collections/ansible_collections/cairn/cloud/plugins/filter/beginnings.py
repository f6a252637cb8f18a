# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""From what components publish to what keystone begins with."""

from __future__ import annotations

INTERFACES = ("public", "internal", "admin")


def service_users(published, secrets):
    """The users of the components, in the services' project, with the secrets of their names."""
    return [
        {
            "name": user["name"],
            "password": secrets[f"{component}_user_password"],
            "project": "service",
            "roles": list(user["roles"]),
        }
        for component, user in sorted(published.items())
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
