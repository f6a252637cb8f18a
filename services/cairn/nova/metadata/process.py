"""The parts of nova-metadata, put together."""

from typing import Any

from cairn.common.process import Host
from cairn.common.settings import BadSetting
from cairn.nova.metadata.app import Metadata, create_app
from cairn.nova.neighbours.vendordata import HttpVendordata
from cairn.nova.settings import MetadataProcess


def build(settings: MetadataProcess, host: Host) -> Any:
    if not settings.metadata.secret:
        raise BadSetting("[metadata] secret: must be set, to what the metadata proxies sign with")
    vendordata = HttpVendordata(settings.api, settings.vendordata_auth)
    return create_app(Metadata(host.database(settings.database), settings.metadata, settings.api,
                               vendordata=vendordata))
