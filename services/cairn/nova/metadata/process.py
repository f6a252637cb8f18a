"""The parts of nova-metadata, put together."""

from typing import Any

from cairn.common.process import Host
from cairn.common.settings import BadSetting
from cairn.nova.metadata.app import Metadata, create_app
from cairn.nova.settings import MetadataProcess


def build(settings: MetadataProcess, host: Host) -> Any:
    if not settings.metadata.secret:
        raise BadSetting("[metadata] secret: must be set, to what the metadata proxies sign with")
    return create_app(Metadata(host.database(settings.database), settings.metadata, settings.api))
