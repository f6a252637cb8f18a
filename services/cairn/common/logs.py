"""What processes say: one record a line, whatever users have put into it."""

import logging
import re
import sys

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
LOUD = ("amqp", "kombu", "urllib3", "keystoneauth", "alembic")


def plain(text: str) -> str:
    """`text` with its control characters written out, so that it stays one line of its own."""
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


class Formatter(logging.Formatter):
    """Escapes control characters; the lines of a traceback stay lines, but are marked, so that
    none can be taken for a record of its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return plain(super().formatMessage(record))

    def formatException(self, ei: object) -> str:
        return _marked(super().formatException(ei))  # type: ignore[arg-type]

    def formatStack(self, stack_info: str) -> str:
        return _marked(stack_info)


def _marked(lines: str) -> str:
    return "\n".join(f"  | {plain(line)}" for line in lines.split("\n"))


def start(level: str | int = "INFO") -> None:
    """Log to standard error, for the journal."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Formatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for loud in LOUD:
        logging.getLogger(loud).setLevel(logging.WARNING)
