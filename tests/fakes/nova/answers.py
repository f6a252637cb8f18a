"""What a fake neighbour answers with."""

from typing import Any

from cairn.common.errors import Remote

Document = dict[str, Any]


class Answer:
    """As much of requests.Response as nova reads."""

    def __init__(self, document: Any = None, status: int = 200) -> None:
        self.document, self.status_code = document, status
        self.content = b"" if document is None else b"{}"

    def json(self) -> Any:
        return self.document


def refuse(service: str, code: int, message: str) -> Remote:
    return Remote(f"{service} {code}", code, message)
