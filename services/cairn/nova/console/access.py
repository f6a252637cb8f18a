"""Who may open a console: where the page came from, what the token opens, how many there are."""

import contextlib
from collections import Counter
from collections.abc import Collection, Iterator
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from cairn.common.db import Database
from cairn.common.errors import Problem
from cairn.common.tokens import Verifier
from cairn.nova.core import console_tokens
from cairn.nova.core.console_tokens import Pass
from cairn.nova.settings import ConsoleProxySettings


class NotLetIn(Problem):
    code = 403
    message = "{reason}"


class TooMany(Problem):
    code = 429
    message = "Too many consoles are open: {which}."


def token_in(target: str, cookies: str) -> str:
    """The token of a request for `target`: in its query, in the path that noVNC's page was given
    (?path=console/?token=...), or in the cookie that older ones set. "" where there is none."""
    query = _query(target)
    tokens = query.get("token", []) + [
        token for path in query.get("path", ()) for token in _query(path).get("token", ())]
    if tokens:
        return tokens[0]
    jar: SimpleCookie = SimpleCookie()
    with contextlib.suppress(CookieError):
        jar.load(cookies)
    return jar["token"].value if "token" in jar else ""


def _query(target: str) -> dict[str, list[str]]:
    # Split by hand: what is behind the first ? may be no address at all.
    try:
        return parse_qs(target.partition("?")[2], max_num_fields=20)
    except ValueError:
        return {}


class Gate:
    """Counts what it lets in: of one token, of one user, and of all. Its counts are touched by one
    thread; what asks the database blocks, and may be asked in any."""

    def __init__(
        self, db: Database, verifier: Verifier, names: Collection[str],
        settings: ConsoleProxySettings,
    ) -> None:
        self.db, self.verifier, self.names, self.settings = db, verifier, names, settings
        self._open: Counter[tuple[str, str]] = Counter()

    def check_origin(self, origin: str | None) -> None:
        """A page of another site may not open what its visitor may. A client that is no browser
        says nothing. Raises NotLetIn."""
        if origin is None:
            return
        scheme, _, name = origin.partition("://")
        names = {name.removesuffix(":443") for name in self.names}
        if scheme != "https" or name.removesuffix(":443") not in names:
            raise NotLetIn(reason=f"pages of {origin[:200]!r} may open no consoles")

    def find(self, token: str) -> Pass:
        """What the token opens. Blocks. Raises NotLetIn."""
        with self.db.reading() as session:
            passed = console_tokens.find(session, token)
        if passed is None:
            raise NotLetIn(reason="a token that opens nothing")
        if self._revoked(passed):
            raise NotLetIn(reason=f"the token of user {passed.user_id} was revoked")
        return passed

    def holds(self, opened: Pass) -> bool:
        """Whether a console that is open may stay open. Blocks."""
        if self._revoked(opened):
            return False
        with self.db.reading() as session:
            return console_tokens.holds(session, opened)

    def _revoked(self, passed: Pass) -> bool:
        return passed.access is not None and self.verifier.revoked(passed.access)

    @contextlib.contextmanager
    def counted(self, opened: Pass) -> Iterator[None]:
        """One more is open meanwhile. Raises TooMany."""
        own = self.settings
        bounds = {("token", opened.token_hash): own.per_token,
                  ("user", opened.user_id): own.per_user, ("all", ""): own.most}
        for key, most in bounds.items():
            if self._open[key] >= most:
                raise TooMany(which=f"{most} of one {key[0]}" if key[1] else f"{most}")
        self._open.update(bounds.keys())
        try:
            yield
        finally:
            self._open.subtract(bounds.keys())
            self._open = +self._open  # Without those that are none.
