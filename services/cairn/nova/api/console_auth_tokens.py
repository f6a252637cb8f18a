"""/os-console-auth-tokens"""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.nova.component import Nova
from cairn.nova.core import consoles
from cairn.nova.errors import ConsoleTypeUnavailable
from cairn.nova.policy import RULES

api = Api(RULES)

PATH = "/os-console-auth-tokens/<token>"
POLICY = "os_compute_api:os-console-auth-tokens"


@api.get(PATH, policy=POLICY, until="2.30")
def show_rdp(nova: Nova, ctx: Context, token: str) -> Document:
    """Refused: in these versions it tells of RDP only, which there is not."""
    raise ConsoleTypeUnavailable(type="rdp-html5")


def show(nova: Nova, ctx: Context, token: str) -> Document:
    """Where the host of the server hands over the console that this token opens."""
    opened = consoles.opened_by(nova, token)
    document = {"instance_uuid": opened.server_id, "host": opened.address, "port": opened.port,
                "internal_access_path": None}
    if ctx.version >= (2, 99):
        document["tls_port"] = None
    return {"console": document}


api.get(PATH, policy=POLICY, since="2.31")(show)
