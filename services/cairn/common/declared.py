"""What the components declare of their APIs, and where it is served: for the reference, and for
tests of every endpoint there is."""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass

from cairn.common.api import Endpoint
from cairn.common.manage import COMPONENTS
from cairn.common.process import find
from cairn.common.wsgi import Envelope, Mount


@dataclass(frozen=True)
class Declaration:
    """An endpoint, whose it is, and the mount that serves it."""

    component: str
    mount: Mount
    endpoint: Endpoint

    @property
    def path(self) -> str:
        """The path as clients call it: /compute/v2.1/servers/<server_id>."""
        return front(self.component) + self.mount.prefix + self.endpoint.path


def front(component: str) -> str:
    """Where the cloud's one address serves a component: /compute."""
    return find(f"{component}-api").mount


def mount_of(component: str) -> Mount:
    """The component's API: `API` of its app.py."""
    mount = importlib.import_module(f"cairn.{component}.app").API
    assert isinstance(mount, Mount)
    return mount


def declarations(*components: str) -> Iterator[Declaration]:
    """All endpoints of these components, or of every one."""
    for component in components or COMPONENTS:
        mount = mount_of(component)
        for api in mount.apis:
            for endpoint in api.endpoints:
                yield Declaration(component, mount, endpoint)


def envelope_of(component: str) -> Envelope:
    """How the component words a refusal: `envelope` of its app.py."""
    envelope: Envelope = importlib.import_module(f"cairn.{component}.app").envelope
    return envelope
