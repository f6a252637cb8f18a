"""/v2/images/{id}/locations: an image's bytes where they already are (2.17)."""

import hashlib

from cairn.common.api import Api, Document, Reply, Schema
from cairn.common.context import Context
from cairn.common.errors import Conflict, Invalid, Refused
from cairn.glance.component import Glance
from cairn.glance.core import images, locations, marks, tasks
from cairn.glance.core.claims import begin_importing
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
          late=True)
def add(glance: Glance, ctx: Context, image_id: str, body: Document) -> Reply:
    with glance.db.reading() as session:
        image = images.find_for(glance.policy, session, ctx, image_id, "add_image_location")
    url, given = body["url"], body.get("validation_data") or None
    if image.status != "queued":
        raise Conflict(reason="It's not allowed to add locations if image status is "
                              f"{image.status}.")
    store = glance.stores.owner(url)
    if not ctx.is_service and (store is None or store.kind != "http"):
        raise Refused(reason="http store must be enabled to use location API by normal user.")
    if store is None or store.kind == "file":
        raise Invalid(reason=f"url: no store of this cloud takes images of others at {url}.")
    if given is not None:
        _check_hash(given)
    if store.kind == "http":
        glance.stores.gate.check(url)
    with glance.db.writing() as session:
        if store.kind != "http" and locations.known(session, url):
            raise Conflict(reason=f"url: {url} has the bytes of an image already.")
        begin_importing(session, image_id)
        task = tasks.start(
            session, ctx, type="location_import", kind="location", image_id=image_id,
            input={"image_id": image_id, "loc_url": url, "validation_data": given or {}},
            args={"url": url, "store": store.name, "meta": {}, "checksum": None,
                  "algorithm": given["os_hash_algo"] if given else None,
                  "value": given["os_hash_value"].lower() if given else None})
        marks.put(session, image_id, **{marks.LOCK: task.id})
    if glance.worker is not None:
        glance.worker.ring(ctx)
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
    with glance.db.reading() as session:
        images.find_for(glance.policy, session, ctx, image_id, "fetch_image_location")
        found = locations.of(session, [image_id])[image_id]
    return Reply([{"url": row.url, "metadata": row.meta} for row in found])
