"""/v2/images/{id}/members: the projects a shared image is shared with."""

from typing import Any

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.glance.api.schemas import MEMBER_CREATE, MEMBER_UPDATE
from cairn.glance.api.views import moment
from cairn.glance.component import Glance
from cairn.glance.core import members
from cairn.glance.policy import RULES

api = Api(RULES)
PATH = "/images/<image_id>/members"


def view(member: Any) -> Document:
    return {"member_id": member.member, "image_id": member.image_id, "status": member.status,
            "created_at": moment(member.created_at), "schema": "/v2/schemas/member",
            "updated_at": moment(member.updated_at or member.created_at)}


@api.post(PATH, policy="add_member", body=MEMBER_CREATE, late=True,
          event="image.member.create")
def create(glance: Glance, ctx: Context, image_id: str, body: Document) -> Document:
    """Share an image with a project, which is pending until it accepts."""
    return view(members.add_member(glance, ctx, image_id, body["member"]))


@api.get(PATH, policy="get_members", late=True)
def index(glance: Glance, ctx: Context, image_id: str) -> Document:
    """List the projects that an image is shared with; a member sees itself only."""
    return {"members": [view(m) for m in members.list_members(glance, ctx, image_id)],
            "schema": "/v2/schemas/members"}


@api.get(f"{PATH}/<member_id>", policy="get_member", late=True)
def show(glance: Glance, ctx: Context, image_id: str, member_id: str) -> Document:
    """Show whether a project took the image that is shared with it."""
    return view(members.show_member(glance, ctx, image_id, member_id))


@api.put(f"{PATH}/<member_id>", policy="modify_member", body=MEMBER_UPDATE, late=True,
         event="image.member.update")
def update(
    glance: Glance, ctx: Context, image_id: str, member_id: str, body: Document
) -> Document:
    """Accept or reject: the member's to do, not the owner's."""
    return view(members.update_member(glance, ctx, image_id, member_id, body["status"]))


@api.delete(f"{PATH}/<member_id>", policy="delete_member", status=204, late=True,
            event="image.member.delete")
def delete(glance: Glance, ctx: Context, image_id: str, member_id: str) -> None:
    """Stop sharing an image with a project."""
    members.remove_member(glance, ctx, image_id, member_id)
