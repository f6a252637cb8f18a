"""/servers/{id}/remote-consoles, and the actions that came before it"""

from cairn.common.api import Api, Document, Schema
from cairn.common.context import Context
from cairn.nova.api.schemas import NULL_OR_OBJECT, closed
from cairn.nova.component import Nova
from cairn.nova.core import consoles
from cairn.nova.errors import ConsoleTypeUnavailable
from cairn.nova.policy import RULES

api = Api(RULES)

POLICY = "os_compute_api:os-remote-consoles"
NOTHING = "a token is given out; nothing of the server changes"
ACTION = "/servers/<server_id>/action"
# Protocols and types, by the version since which they may be asked for. Not all are there.
NAMED = {
    "2.6": (["vnc", "spice", "serial"], ["novnc", "xvpvnc", "spice-html5", "serial"]),
    "2.8": (["mks"], ["webmks"]),
    "2.99": ([], ["spice-direct"]),
}


def create(nova: Nova, ctx: Context, server_id: str, body: Document) -> Document:
    """Give out the address of a console of a server that runs, for a while."""
    asked = body["remote_console"]
    url = consoles.create(nova, ctx, server_id, asked["protocol"], asked["type"])
    return {"remote_console": {"protocol": asked["protocol"], "type": asked["type"], "url": url}}


def _body(version: str) -> Schema:
    """What may be asked for in that version."""
    upto = list(NAMED)[:list(NAMED).index(version) + 1]
    protocols, types = ([name for since in upto for name in NAMED[since][which]]
                        for which in (0, 1))
    return closed(["remote_console"], remote_console=closed(
        ["protocol", "type"], protocol={"enum": protocols}, type={"enum": types}))


for _since, _until in (("2.6", "2.7"), ("2.8", "2.98"), ("2.99", None)):
    api.post("/servers/<server_id>/remote-consoles", policy=POLICY, since=_since, until=_until,
             body=_body(_since), changes_nothing=NOTHING)(create)


@api.post(ACTION, action="os-getVNCConsole", policy=POLICY, until="2.5",
          body=closed(["os-getVNCConsole"], **{"os-getVNCConsole": closed(
              ["type"], type={"enum": ["novnc", "xvpvnc"]})}), changes_nothing=NOTHING)
def get_vnc_console(nova: Nova, ctx: Context, server_id: str, body: Document) -> Document:
    """Give out the address of a server's screen, for a while."""
    return _old(nova, ctx, server_id, "vnc", body["os-getVNCConsole"]["type"])


@api.post(ACTION, action="os-getSerialConsole", policy=POLICY, until="2.5",
          body=closed(["os-getSerialConsole"], **{"os-getSerialConsole": closed(
              ["type"], type={"enum": ["serial"]})}), changes_nothing=NOTHING)
def get_serial_console(nova: Nova, ctx: Context, server_id: str, body: Document) -> Document:
    """Give out the address of a server's serial console, for a while."""
    return _old(nova, ctx, server_id, "serial", body["os-getSerialConsole"]["type"])


@api.post(ACTION, action="os-getSPICEConsole", policy=POLICY, until="2.5",
          body=closed(["os-getSPICEConsole"], **{"os-getSPICEConsole": closed(
              ["type"], type={"enum": ["spice-html5"]})}), changes_nothing=NOTHING)
def get_spice_console(nova: Nova, ctx: Context, server_id: str, body: Document) -> Document:
    """Refused: no hypervisor here speaks SPICE."""
    return _old(nova, ctx, server_id, "spice", body["os-getSPICEConsole"]["type"])


@api.post(ACTION, action="os-getRDPConsole", policy=POLICY, until="2.5",
          body=closed(["os-getRDPConsole"], **{"os-getRDPConsole": NULL_OR_OBJECT}),
          changes_nothing=NOTHING)
def get_rdp_console(nova: Nova, ctx: Context, server_id: str, body: Document) -> Document:
    """Refused: it was Hyper-V's, which upstream has no more."""
    raise ConsoleTypeUnavailable(type="rdp-html5")


def _old(nova: Nova, ctx: Context, server_id: str, protocol: str, kind: str) -> Document:
    return {"console": {"type": kind, "url": consoles.create(nova, ctx, server_id, protocol, kind)}}
