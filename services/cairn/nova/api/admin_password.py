"""POST /servers/{id}/action changePassword: another password for a guest's administrator."""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.nova.api.schemas import closed
from cairn.nova.component import Nova
from cairn.nova.core import passwords
from cairn.nova.core.flows import change_password
from cairn.nova.policy import RULES

api = Api(RULES)


@api.post("/servers/<server_id>/action", action="changePassword",
          policy="os_compute_api:os-admin-password", status=202,
          body=closed(["changePassword"], changePassword=closed(
              ["adminPass"], adminPass={"type": "string", "maxLength": 255})),
          event=change_password.ACTION.event)
def change(nova: Nova, ctx: Context, server_id: str, body: Document) -> None:
    """Let the guest's agent set the password; the answer comes when it did."""
    passwords.change(nova, ctx, server_id, body["changePassword"]["adminPass"])
