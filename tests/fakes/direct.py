"""Messages without a broker."""

from collections.abc import Callable
from typing import Any

import orjson

from cairn.common.context import Context
from cairn.common.errors import Problem, Remote


class Direct:
    """Stands for any stub: calls the manager here and now, through JSON as the wire does. With
    `sender`, as that host's."""

    def __init__(self, manager: Callable[[str | None], Any], sender: str | None = None) -> None:
        self._manager, self._sender = manager, sender

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(ctx: Context, host: str | None = None, **args: Any) -> Any:
            args.pop("timeout", None)
            func = getattr(self._manager(host), method)  # Unavailable where nobody is.
            try:
                wire = ctx.to_wire()
                ctx = (Context.from_host(self._sender, wire) if self._sender
                       else Context.from_wire(wire))
                answer = func(ctx, **_wire(args))
            except Problem as problem:
                raise Remote(problem.kind, problem.code, str(problem)) from problem
            return _wire(answer)

        return call


def _wire(value: Any) -> Any:
    return orjson.loads(orjson.dumps(value))
