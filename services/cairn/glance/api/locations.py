"""/v2/images/{id}/locations: an image's bytes where they already are (2.17)."""

import hashlib

from cairn.common.api import Api, Document, Reply, Schema
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.glance.component import Glance
from cairn.glance.core import sources
from cairn.glance.policy import RULES

api = Api(RULES)
# Two files can be made that have one md5 or sha1: neither says which content is meant.
ALGORITHMS = ("sha256", "sha512")
ADD: Schema = {
    "type": "object", "required": ["url"], "additionalProperties": False, "properties": {
        "url": {"type": "string", "minLength": 1, "maxLength": 2048},
        "validation_data": {
            "type": "object", "additionalProperties": False,
            "properties": {"os_hash_algo": {"type": "string", "enum": list(ALGORITHMS)},
                           "os_hash_value": {"type": "string", "maxLength": 128}}},
    },
}


@api.post("/images/<image_id>/locations", policy="add_image_location", body=ADD, status=202,
          late=True,
          event="task.create")
def add(glance: Glance, ctx: Context, image_id: str, body: Document) -> Reply:
    """Say where a queued image's bytes already are; they are looked at in the background."""
    url, given = body["url"], body.get("validation_data") or None
    store = sources.check_addable(glance, ctx, image_id, url)
    if given is not None:
        _check_hash(given)
    sources.add_location(glance, ctx, image_id, url, store, given)
    return Reply(None, 202)


def _check_hash(given: Document) -> None:
    for name in ("os_hash_algo", "os_hash_value"):
        if name not in given:
            raise Invalid(reason=f"validation_data: {name} is missing.")
    algorithm, value = given["os_hash_algo"], given["os_hash_value"]
    size = hashlib.new(algorithm, usedforsecurity=False).digest_size
    try:
        right = len(bytes.fromhex(value)) == size
    except ValueError:
        right = False
    if not right:
        raise Invalid(reason=f"os_hash_value: ({value}) is not a {algorithm}: {size} bytes in "
                             "hexadecimal were expected.")


@api.get("/images/<image_id>/locations", policy="fetch_image_location", late=True)
def index(glance: Glance, ctx: Context, image_id: str) -> Reply:
    """List where an image's bytes are; the answer is a bare array."""
    return Reply([{"url": row.url, "metadata": row.meta}
                  for row in sources.list_locations(glance, ctx, image_id)])
