"""What a fake neighbour answers with."""

from typing import Any

import orjson

from cairn.common.errors import Remote

Document = dict[str, Any]


class Answer:
    """As much of requests.Response as nova reads."""

    def __init__(self, document: Any = None, status: int = 200) -> None:
        self.document, self.status_code = document, status

    @property
    def content(self) -> bytes:
        return b"" if self.document is None else orjson.dumps(self.document)

    def json(self) -> Any:
        return self.document


def refuse(service: str, code: int, message: str) -> Remote:
    return Remote(f"{service} {code}", code, message)
