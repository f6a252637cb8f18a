"""What the conductor says of a server, looked at before it is done: this process is root."""

import re

from cairn.common.bounds import uuid_of
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.nova.rpc import Conductor, Spec

_DOMAIN = re.compile(r"instance-[0-9a-f]{8,16}")


def spec_of(conductor: Conductor, ctx: Context, server_id: str) -> Spec:
    """The server's. Raises Invalid as `believed`."""
    own_id = uuid_of(server_id, "server")
    return believed(conductor.spec(ctx, server_id=own_id), own_id)


def opened_of(conductor: Conductor, ctx: Context, server_id: str) -> Spec:
    """As `spec_of`, with the passphrases of its encrypted volumes: for this moment's memory."""
    spec = spec_of(conductor, ctx, server_id)
    if any(device.get("encrypted") for device in spec["block_devices"]):
        phrases = conductor.passphrases(ctx, server_id=spec["id"])
        for device in spec["block_devices"]:
            device["passphrase"] = phrases.get(device["volume_id"] or "")
    return spec


def stray_of(conductor: Conductor, ctx: Context, server_id: str) -> Spec:
    """As much of a server that is not this host's as it takes to end it here. Raises Invalid as
    `believed`."""
    own_id = uuid_of(server_id, "server")
    return believed(conductor.stray(ctx, server_id=own_id), own_id)


def believed(spec: Spec, server_id: str) -> Spec:
    """The spec, if it is that server's and its names are names. Raises Invalid. The rest of it is
    looked at where it is used, so that what is wrong with a server does not keep it from being
    removed."""
    if spec["id"] != server_id:
        raise Invalid(reason=f"server {server_id} was asked for, {spec['id'][:64]!r} was told of")
    if not _DOMAIN.fullmatch(spec["domain"]):
        raise Invalid(reason=f"server {server_id}: not a domain's name: {spec['domain'][:64]!r}")
    return spec
