"""What guests have, and what Nova says that they have."""

from collections.abc import Iterator

from cairn.cinder.audit.finding import Finding, about
from cairn.cinder.audit.look import Look
from cairn.cinder.core.attachments import ATTACHED


def check(look: Look) -> Iterator[Finding]:
    """Nothing of this is mended by us: a disk of a guest is Nova's to give and to take."""
    for (server, volume), use in look.servers.uses.items():
        own = about(server, volume, use["attachment_id"])
        if use["state"] != ATTACHED:
            yield Finding("stuck-mapping", volume, "detach the volume, or delete the server",
                          "", "", f"Nova: {use['state']} of server {server}, and no work of it is "
                          f"open; {look.tell_holders(volume)}", own)
            continue
        if use["attachment_id"] and use["attachment_id"] not in look.rows.attachments:
            has = volume in look.rows.volumes
            yield Finding(
                "mapping-without-attachment", volume,
                "detach the volume from the server (openstack server remove volume)",
                "the volume has no such attachment" if has else "no row of the volume", "",
                f"Nova: attached to server {server}; {look.tell_holders(volume)}", own)
        there = server in look.servers.guests.get(use["host"] or "", set())
        if there and (server, use["host"]) not in look.holders(volume):
            yield Finding("mapping-without-disk", volume, "reboot the server hard",
                          "attached", "", f"Nova: attached to server {server}; its guest on "
                          f"{use['host']} does not have it", own)
    for volume, holders in look.servers.holders.items():
        for server, host in holders:
            mapping = look.servers.uses.get((server, volume))
            if mapping is None or mapping["host"] != host:
                yield Finding(
                    "disk-without-mapping", volume,
                    "stop the guest, or detach the disk with virsh: it may be written to",
                    "no row of the volume" if volume not in look.rows.volumes else
                    look.rows.volumes[volume].status, "",
                    f"server {server} on {host} has it; Nova does not say so",
                    about(server, volume))
