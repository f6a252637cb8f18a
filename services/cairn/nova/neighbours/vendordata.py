"""What services of the operator say of a server, for its guest to read in vendor_data2.json.

Each is asked by POST, as upstream asks, and answers with a JSON document. They are asked by
controllers alone; a guest sees what they said, and nothing of where they are.
"""

import json
import logging
from typing import Any, Protocol

import requests
from keystoneauth1 import exceptions as ksa
from keystoneauth1 import session
from keystoneauth1.identity import v3

from cairn.common import held
from cairn.common.settings import BadSetting, IdentitySettings
from cairn.nova.errors import VendordataFailed
from cairn.nova.settings import ApiSettings

log = logging.getLogger(__name__)
MOST = 1 << 20  # Bytes of an answer.


class Vendordata(Protocol):
    """Knows services, perhaps none."""

    def ask(self, server: Any, roles: list[str]) -> dict[str, Any]:
        """Answers by the services' names, {} of one that failed; `server` is a row, `roles` those
        that its maker had. Raises VendordataFailed where the settings say so."""
        ...


class Nobody:
    """Vendordata where nobody is to be asked."""

    def ask(self, server: Any, roles: list[str]) -> dict[str, Any]:
        return {}


class HttpVendordata:
    """Vendordata."""

    def __init__(self, settings: ApiSettings, auth: IdentitySettings) -> None:
        """Raises BadSetting."""
        self.settings, self.auth = settings, auth
        self.targets: dict[str, str] = {}
        for text in settings.vendordata_targets.split():
            name, at, url = text.partition("@")
            if not name or not at or not url.startswith(("http://", "https://")):
                raise BadSetting(f"[api] vendordata_targets: expected NAME@URL, not {text}")
            if name == "static" or name in self.targets:
                raise BadSetting(f"[api] vendordata_targets: the name {name} is taken")
            self.targets[name] = url
        self._session = None if not auth.auth_url else session.Session(
            verify=auth.ca_file or True, timeout=settings.vendordata_timeout,
            auth=v3.Password(
                auth_url=auth.auth_url, username=auth.username, password=auth.password,
                project_name=auth.project_name, user_domain_name=auth.user_domain_name,
                project_domain_name=auth.project_domain_name))

    def ask(self, server: Any, roles: list[str]) -> dict[str, Any]:
        document = {
            "project-id": server.project_id, "instance-id": server.id,
            "image-id": server.image_id, "user-data": server.user_data,
            "hostname": server.hostname, "metadata": server.meta, "boot-roles": ",".join(roles)}
        return {name: self._answer(name, url, document) for name, url in self.targets.items()}

    def _answer(self, name: str, url: str, document: dict[str, Any]) -> Any:
        held.none_for(url)
        limits = (self.settings.vendordata_timeout, self.settings.vendordata_timeout)
        headers = {"Accept": "application/json", "User-Agent": "openstack-nova-vendordata"}
        try:
            if self._session is not None:
                headers["X-Auth-Token"] = str(self._session.get_token())
            # Not followed to elsewhere: the token is for this one.
            with requests.post(url, json=document, headers=headers, timeout=limits, stream=True,
                               verify=self.auth.ca_file or True, allow_redirects=False) as answer:
                answer.raise_for_status()
                body = answer.raw.read(MOST + 1, decode_content=True)
                if answer.is_redirect or len(body) > MOST:
                    raise ValueError(f"{answer.status_code} with {len(body)} bytes")
                return json.loads(body) if body else {}
        # All that may come of asking somebody else's service over a network.
        except (requests.RequestException, ksa.ClientException, OSError, ValueError) as error:
            log.warning("vendor data of %s (%s): %s", name, url, error)
            if self.settings.vendordata_failure_fatal:
                raise VendordataFailed(name=name) from error
            return {}
