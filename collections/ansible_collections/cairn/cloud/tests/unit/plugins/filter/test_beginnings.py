# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from ansible_collections.cairn.cloud.plugins.filter.beginnings import (
    catalog,
    private_urls,
    service_users,
)


def test_a_service_is_behind_the_proxy_for_everybody():
    (service,) = catalog([{"type": "image", "name": "glance", "path": "/image"}], "https://cloud")
    assert set(service["endpoints"].values()) == {"https://cloud/image"}
    assert set(service["endpoints"]) == {"public", "internal", "admin"}


def test_a_user_gets_the_secret_of_its_name():
    (user,) = service_users(
        {"nova": [{"name": "nova-compute", "roles": ["service"]}]},
        {"nova_compute_user_password": "hunter2"},
    )
    assert user["password"] == "hunter2"
    assert user["roles"] == ["service"]


def test_each_service_has_an_address_that_is_not_for_strangers():
    endpoint = {"path": "/compute/v2.1", "private": "/servers"}
    assert private_urls([endpoint], "https://cloud") == ["https://cloud/compute/v2.1/servers"]
