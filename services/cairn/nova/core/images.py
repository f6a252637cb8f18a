"""Images as Glance shows them to the caller."""

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.errors import Invalid, Problem
from cairn.nova import rpc
from cairn.nova.component import Nova
from cairn.nova.core import guest_features

# What Glance says of every image; the rest are the image's own properties.
BASE = {
    "id", "name", "status", "visibility", "protected", "checksum", "os_hash_algo", "os_hash_value",
    "owner", "size", "virtual_size", "container_format", "disk_format", "created_at",
    "updated_at", "min_disk", "min_ram", "self", "file", "schema", "tags", "os_hidden",
    "locations", "direct_url", "stores",
}


def properties(document: Document) -> Document:
    """The image's own, of what Glance says of it."""
    return {key: value for key, value in document.items() if key not in BASE}


def find(nova: Nova, ctx: Context, image_id: str) -> rpc.Image:
    """Raises Invalid when the caller has no such image, or it has no data yet."""
    try:
        document = nova.cloud.images.show(ctx, image_id)
    except Problem as problem:
        if problem.code == 404:
            raise Invalid(
                reason=f"Invalid imageRef: image {image_id} could not be found."
            ) from None
        raise
    if document["status"] != "active":
        raise Invalid(reason=f"Image {image_id} is not active.")
    plain = {key: value for key, value in properties(document).items()
             if isinstance(value, str | int | bool | float)}
    return {
        "id": document["id"], "name": document.get("name") or "",
        "disk_format": document.get("disk_format") or "raw",
        "container_format": document.get("container_format") or "bare",
        "size": document.get("size") or 0, "min_disk": document.get("min_disk") or 0,
        "min_ram": document.get("min_ram") or 0,
        "checksum": document.get("os_hash_value") or document.get("checksum") or "",
        "properties": plain,
    }


def check_open(image: rpc.Image) -> None:
    """Raises Invalid for a volume's container, which only volumes that are made from it open."""
    if "cinder_encryption_key_id" in image["properties"]:
        raise Invalid(reason=f"Image {image['id']} is of an encrypted volume: boot from a volume "
                             "that is made from it.")


def check_memory(image: rpc.Image, flavor: rpc.Flavor) -> None:
    """As `check_fits`, of a server whose root disk is no disk of the flavor's."""
    guest_features.check_done(image, flavor)
    if flavor["ram"] < image["min_ram"]:
        raise Invalid(
            reason=f"Flavor's memory is too small for requested image: {flavor['name']} has "
                   f"{flavor['ram']} MiB, the image needs {image['min_ram']} MiB."
        )


def check_fits(image: rpc.Image, flavor: rpc.Flavor) -> None:
    """Raises Invalid naming what the flavor has too little of, or what this cloud does not do."""
    check_memory(image, flavor)
    if flavor["disk"] == 0:
        return  # The root disk is as big as the image.
    if image["size"] > flavor["disk"] << 30:
        raise Invalid(
            reason=f"Flavor's disk is too small for requested image. Flavor disk is "
                   f"{flavor['disk'] << 30} bytes, image is {image['size']} bytes."
        )
    if image["min_disk"] > flavor["disk"]:
        raise Invalid(
            reason=f"Flavor's disk is smaller than the minimum size specified in image metadata. "
                   f"Flavor disk is {flavor['disk'] << 30} bytes, minimum size is "
                   f"{image['min_disk'] << 30} bytes."
        )
