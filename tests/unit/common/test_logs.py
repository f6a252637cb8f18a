import logging

from cairn.common.logs import Formatter, plain

FORMAT = "%(levelname)s %(name)s: %(message)s"


def formatted(message: str, *args: object, exc: BaseException | None = None) -> str:
    info = (type(exc), exc, exc.__traceback__) if exc else None
    record = logging.LogRecord("cairn.x", logging.INFO, "f", 1, message, args, info)
    return Formatter(FORMAT).format(record)


def test_a_record_stays_one_line_whatever_users_put_into_it() -> None:
    said = formatted("login of %s failed", "eve\nINFO cairn.x: login of admin\r\x1b[2J\x85\u2028")
    assert said == ("INFO cairn.x: login of eve\\nINFO cairn.x: login of admin"
                    "\\r\\x1b[2J\\x85\\u2028 failed")


def test_no_line_of_a_traceback_can_be_taken_for_a_record() -> None:
    try:
        raise ValueError("no\nINFO cairn.x: all is well\x00")
    except ValueError as error:
        first, *rest = formatted("failed", exc=error).split("\n")
    assert first == "INFO cairn.x: failed"
    assert all(line.startswith("  | ") for line in rest) and "\\x00" in rest[-1]


def test_what_is_no_control_character_is_left_alone() -> None:
    assert plain("Zürich \\n 雲") == "Zürich \\n 雲"
