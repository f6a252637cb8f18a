"""The password of a guest's administrator, changed while the caller waits."""

from sqlalchemy import update
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.nova.component import Nova
from cairn.nova.core import guest_features, servers, works
from cairn.nova.core.flows import change_password
from cairn.nova.db.models import Server
from cairn.nova.errors import AgentDisabled, AgentSilent, PasswordNotSet


def change(nova: Nova, ctx: Context, server_id: str, password: str) -> None:
    """Let the guest's agent set it. One that takes longer than a request waits is told all the
    same. Raises ServerNotFound, ServerLocked, ServerBusy, HostDown, AgentDisabled, AgentSilent,
    PasswordNotSet."""
    action = change_password.ACTION

    def write(session: Session) -> tuple[str, str]:
        row = servers.find(session, ctx, server_id)
        servers.check_unlocked(ctx, row)
        works.check_may(row, action)
        if not guest_features.has_agent(row.image):
            raise AgentDisabled(id=row.id)
        works.claim(session, row, action)
        # Where that of a new server waits for its guest; never in the work, which is kept.
        session.execute(update(Server).where(Server.id == row.id).values(admin_pass=password))
        work = works.add(session, ctx, row, action, nova.service)
        return work.id, work.runner

    work_id, runner = nova.db.write(write)
    nova.ring(ctx, runner)
    outcome = works.wait(nova, work_id, nova.api.password_timeout)
    if outcome is None or outcome.error is None:
        return
    sentence = outcome.error.partition("\n")[0]
    if sentence == AgentSilent.message:
        raise AgentSilent
    raise PasswordNotSet(id=server_id, reason=sentence.partition(" because ")[2] or sentence)
