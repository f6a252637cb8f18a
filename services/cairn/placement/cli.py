"""What an operator of placement may run by hand.

    cairn-manage placement audit [--fix]    compare what is used with what is allocated
"""

import argparse
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from cairn.common.db import Database
from cairn.common.settings import load
from cairn.placement.core import changes
from cairn.placement.db.models import Allocation, Inventory, Provider, ResourceClass
from cairn.placement.settings import Settings

# (provider, class) -> (what its inventory says is used, the sum of its allocations).
Differences = dict[tuple[int, int], tuple[int, int]]


def differences(session: Session) -> Differences:
    given = {
        (provider_id, class_id): int(used) for provider_id, class_id, used in session.execute(
            select(Allocation.provider_id, Allocation.class_id, func.sum(Allocation.used))
            .group_by(Allocation.provider_id, Allocation.class_id))
    }
    rows = session.execute(select(Inventory.provider_id, Inventory.class_id, Inventory.used))
    return {(row.provider_id, row.class_id): (row.used, given.get(row[:2], 0))
            for row in rows if row.used != given.get(row[:2], 0)}


def fix(session: Session) -> Differences:
    """Believe the allocations. Claims wait meanwhile."""
    session.execute(select(Provider.id).order_by(Provider.id).with_for_update()).all()
    wrong = differences(session)
    for (provider_id, class_id), (_, given) in wrong.items():
        session.execute(update(Inventory).where(
            Inventory.provider_id == provider_id, Inventory.class_id == class_id
        ).values(used=given), execution_options={"synchronize_session": False})
    changes.note(session, sorted({provider_id for provider_id, _ in wrong}))
    return wrong


def audit(rest: list[str], conf: Path) -> int:
    parser = argparse.ArgumentParser(prog="cairn-manage placement audit")
    parser.add_argument("--fix", action="store_true", help="make usages what allocations add up to")
    options = parser.parse_args(rest)
    db = Database(load(Settings, conf).database.url)
    wrong = db.write(fix if options.fix else differences)
    if wrong and not options.fix:
        # A claim that ends between the two queries is no difference: one that stays is.
        again = db.write(differences)
        wrong = {key: said for key, said in wrong.items() if again.get(key) == said}
    with db.reading() as session:
        uuids = {row.id: row.uuid for row in session.execute(
            select(Provider.id, Provider.uuid).where(Provider.id.in_({p for p, _ in wrong})))}
        classes = {row.id: row.name for row in session.execute(
            select(ResourceClass.id, ResourceClass.name))}
    for (provider_id, class_id), (used, given) in sorted(wrong.items()):
        print(f"{uuids.get(provider_id)} {classes[class_id]}: {used} is used, {given} is allocated"
              f"{', fixed' if options.fix else ''}")
    print("changed" if wrong and options.fix else f"{len(wrong)} differences" if wrong else "ok")
    return 0 if options.fix or not wrong else 1


VERBS: dict[str, Callable[[list[str], Path], int]] = {"audit": audit}
