"""/images/{id}/metadata: the properties of Glance's images, in the words of 2.1 to 2.38."""

from cairn.common.api import ANYONE, Api, Document
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.nova.api.images import GLANCES, find
from cairn.nova.api.schemas import METADATA, wrapped
from cairn.nova.component import Nova
from cairn.nova.core import images, quotas
from cairn.nova.errors import LimitReached, MetadataNotFound
from cairn.nova.policy import RULES

api = Api(RULES)

PATH = "/images/<image_id>/metadata"
LAST = "2.38"
_ALL = wrapped("metadata", METADATA)
_ONE = wrapped("meta", {**METADATA, "minProperties": 1, "maxProperties": 1})


@api.get(PATH, policy=ANYONE, until=LAST)
def index(nova: Nova, ctx: Context, image_id: str) -> Document:
    """Show an image's metadata, which are its properties in Glance."""
    return {"metadata": images.properties(find(nova, ctx, image_id))}


@api.get(f"{PATH}/<key>", policy=ANYONE, until=LAST)
def show(nova: Nova, ctx: Context, image_id: str, key: str) -> Document:
    """Show one of an image's metadata."""
    return {"meta": {key: _value(find(nova, ctx, image_id), key)}}


def _value(image: Document, key: str) -> object:
    """Raises MetadataNotFound."""
    own = images.properties(image)
    if key not in own:
        raise MetadataNotFound(key)
    return own[key]


@api.post(PATH, policy=ANYONE, until=LAST, body=_ALL, changes_nothing=GLANCES)
def update(nova: Nova, ctx: Context, image_id: str, body: Document) -> Document:
    """Set some of an image's metadata; those not named stay."""
    image = find(nova, ctx, image_id)
    return _set(nova, ctx, image, images.properties(image) | body["metadata"])


@api.put(PATH, policy=ANYONE, until=LAST, body=_ALL, changes_nothing=GLANCES)
def replace(nova: Nova, ctx: Context, image_id: str, body: Document) -> Document:
    """Set an image's metadata to these and no others."""
    return _set(nova, ctx, find(nova, ctx, image_id), body["metadata"])


@api.put(f"{PATH}/<key>", policy=ANYONE, until=LAST, body=_ONE, changes_nothing=GLANCES)
def update_one(nova: Nova, ctx: Context, image_id: str, key: str, body: Document) -> Document:
    """Set one of an image's metadata; the key of the body is that of the path."""
    if key not in body["meta"]:
        raise Invalid(reason=f"meta: the body does not have the key of the path, {key}.")
    image = find(nova, ctx, image_id)
    _set(nova, ctx, image, images.properties(image) | body["meta"])
    return {"meta": body["meta"]}


@api.delete(f"{PATH}/<key>", policy=ANYONE, until=LAST, status=204, changes_nothing=GLANCES)
def remove(nova: Nova, ctx: Context, image_id: str, key: str) -> None:
    """Take one of an image's metadata away."""
    image = find(nova, ctx, image_id)
    _value(image, key)
    _set(nova, ctx, image, {name: value for name, value in images.properties(image).items()
                            if name != key})


def _set(nova: Nova, ctx: Context, image: Document, metadata: Document) -> Document:
    """Give the image these properties. Raises Invalid, LimitReached."""
    before = images.properties(image)
    if bad := sorted(metadata.keys() & images.BASE):
        raise Invalid(reason=f"metadata: {bad[0]} is an attribute of the image, not metadata.")
    limit = quotas.get_limits(nova, ctx.project)["metadata_items"]
    if metadata.keys() - before.keys() and 0 <= limit < len(metadata):
        raise LimitReached(what="metadata items of an image", limit=limit)
    patch: list[Document] = [{"op": "remove", "path": _pointer(key)}
                             for key in before if key not in metadata]
    patch += [{"op": "replace" if key in before else "add", "path": _pointer(key), "value": value}
              for key, value in metadata.items() if before.get(key) != value]
    if not patch:
        return {"metadata": metadata}
    changed = nova.cloud.images.forward(ctx, "PATCH", f"/images/{image['id']}", patch)
    return {"metadata": images.properties(changed)}


def _pointer(key: str) -> str:
    """The key as a JSON pointer."""
    return "/" + key.replace("~", "~0").replace("/", "~1")
