"""What a project, or one user of it, was promised in all."""

from sqlalchemy import distinct, func, select

from cairn.common.db import Database
from cairn.placement.core.names import Names
from cairn.placement.db.models import Allocation, Consumer


def sum_usages(
    db: Database, names: Names, project: str, user: str | None, consumer_type: str | None
) -> list[tuple[str, str, int, int]]:
    """(type of the consumers, resource class, amount, number of consumers of the type) of what the
    project has. `user` and `consumer_type` None: of any."""
    of = [Consumer.project_id == project]
    if user is not None:
        of.append(Consumer.user_id == user)
    if consumer_type is not None:
        of.append(Consumer.type == consumer_type)
    amounts = select(
        Consumer.type, Allocation.class_id, func.sum(Allocation.used)
    ).join(Allocation, Allocation.consumer == Consumer.uuid).where(*of).group_by(
        Consumer.type, Allocation.class_id)
    counts = select(Consumer.type, func.count(distinct(Consumer.uuid))).where(*of).group_by(
        Consumer.type)
    with db.reading() as session:
        rows = session.execute(amounts).all()
        numbers = {row[0]: row[1] for row in session.execute(counts)}
    return [(type_, names.classes.name(class_id), int(used), numbers.get(type_, 0))
            for type_, class_id, used in rows]
