"""Health is a round trip: a check does what the process is for, once, and says what is wrong."""

import time
from collections.abc import Callable, Mapping

from sqlalchemy import text

from cairn.common.api import PUBLIC, Api, Document, Reply
from cairn.common.db import Database
from cairn.common.rpc import Server

# None when all is well, else what is not.
Check = Callable[[], str | None]


def database(db: Database) -> Check:
    """Whether the component's database answers a query."""

    def check() -> str | None:
        try:
            with db.reading() as session:
                session.execute(text("SELECT 1"))
        except Exception as error:
            return f"the database does not answer: {type(error).__name__}"
        return None

    return check


def messaging(server: Server) -> Check:
    """Whether what is put into our own queue comes back within 3 s: broker and threads live."""

    def check() -> str | None:
        back = server.round_trip(timeout=3)
        return None if back else "a message through our own queue did not come back in 3 s"

    return check


def endpoint(checks: Mapping[str, Check]) -> Api:
    """GET /healthcheck: 200 with every check's word, 503 if one fails. Public: says no secret."""
    api = Api({})

    @api.get("/healthcheck", policy=PUBLIC)
    def healthcheck(component: object, ctx: object) -> Reply:
        results: Document = {}
        healthy = True
        for name, check in checks.items():
            started = time.monotonic()
            wrong = check()
            results[name] = {"ok": wrong is None, "reason": wrong or "OK",
                             "milliseconds": round((time.monotonic() - started) * 1000, 1)}
            healthy = healthy and wrong is None
        return Reply({"healthy": healthy, "checks": results}, 200 if healthy else 503)

    return api
