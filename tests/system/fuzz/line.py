"""One connection that is kept alive, and what is asked over it."""

import http.client
import shlex
import ssl
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

# Whoever takes longer hangs.
DEADLINE = 30.0


@dataclass(frozen=True)
class Question:
    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None

    def curl(self, front: str) -> str:
        """The line that asks the same again; a token is named, not told."""
        words = ["curl", "-sk", "-X", self.method, front + self.path]
        for name, value in self.headers.items():
            words += ["-H", f"{name}: {'$TOKEN' if name == 'X-Auth-Token' else value}"]
        line = shlex.join(words).replace("'X-Auth-Token: $TOKEN'", '"X-Auth-Token: $TOKEN"')
        if self.body is None:
            return line
        octal = "".join(chr(byte) if 32 <= byte < 127 and byte not in b"\\'%" else f"\\{byte:03o}"
                        for byte in self.body[:4000])
        return f"printf '{octal}' | {line} --data-binary @-"


@dataclass(frozen=True)
class Answer:
    # 0 when there was none: it took too long, or the connection was closed.
    status: int
    body: bytes
    kind: str
    seconds: float
    wrong: str = ""


class Line:
    def __init__(self, front: str, ca: str) -> None:
        parts = urlsplit(front)
        self._connection = http.client.HTTPSConnection(
            str(parts.hostname), parts.port or 443, timeout=DEADLINE,
            context=ssl.create_default_context(cafile=ca))

    def close(self) -> None:
        self._connection.close()

    def ask(self, question: Question) -> Answer:
        begun = time.monotonic()
        for attempt in (1, 2):
            try:
                status, kind, body = self._ask(question)
                return Answer(status, body, kind, time.monotonic() - begun)
            except TimeoutError:
                self._connection.close()
                return Answer(0, b"", "", time.monotonic() - begun, "hang")
            except (OSError, http.client.HTTPException) as error:
                # The proxy closes a kept connection now and then; a second time it means us.
                self._connection.close()
                if attempt == 2:
                    return Answer(0, b"", "", time.monotonic() - begun, f"dropped: {error!r}")
        raise AssertionError

    def _ask(self, question: Question) -> tuple[int, str, bytes]:
        self._connection.request(
            question.method, question.path, question.body, dict(question.headers))
        answer = self._connection.getresponse()
        return answer.status, answer.headers.get("Content-Type", ""), answer.read()
