"""Who has more rights than a domain's manager: whoever has one that the manager could not have
given.

A manager may give any user of the domain a new password, and so become that user. That must not be
more than the manager is: the cloud's admin is a user of some domain as well.
"""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.errors import Refused
from cairn.keystone.component import Keystone
from cairn.keystone.core import assignments
from cairn.keystone.core.targets import describe_project, describe_role
from cairn.keystone.db.models import Assignment, Group, Project, Role, User


def refuse_privileged_user(keystone: Keystone, ctx: Context, user_id: str) -> None:
    """Raises Refused for a domain's manager where the user has, directly or by a group, what the
    manager could not grant."""
    _refuse(keystone, ctx, "user", user_id, assignments.held_by(user_id))


def refuse_privileged_group(keystone: Keystone, ctx: Context, group_id: str) -> None:
    """As of a user: who is put into a group has what it has. Raises Refused."""
    _refuse(keystone, ctx, "group", group_id, Assignment.actor_id == group_id)


def _refuse(keystone: Keystone, ctx: Context, kind: str, id_: str, whose: Any) -> None:
    if ctx.is_admin or ctx.domain_id is None:
        return
    with keystone.db.reading() as session:
        for grant in session.scalars(select(Assignment).where(whose)):
            target = _describe(session, grant)
            if target is None or not keystone.policy.allows(ctx, "identity:create_grant", target):
                raise Refused(reason=f"You are not authorized to change {kind} {id_}, which has "
                                     "rights that you may not grant.")


def _describe(session: Session, grant: Assignment) -> Document | None:
    """What the policy of grants is asked about; None for a right on the system."""
    place = session.get(Project, grant.target_id)
    actor: User | Group | None = (
        session.get(User, grant.actor_id) if grant.actor == "user"
        else session.get(Group, grant.actor_id))
    if place is None or actor is None:
        return None
    where = ({"target.domain.id": place.id} if grant.target == "domain"
             else describe_project(place))
    who = {f"target.{grant.actor}.id": actor.id,
           f"target.{grant.actor}.domain_id": actor.domain_id}
    return {**who, **where, **describe_role(session.get(Role, grant.role_id))}
