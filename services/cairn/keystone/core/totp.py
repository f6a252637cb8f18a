"""One-time passcodes by the clock: six digits of HMAC-SHA1 for 30 seconds (RFC 6238, 4226)."""

import base64
import hashlib
import hmac

STEP = 30


def code(key: bytes, window: int) -> str:
    """The passcode of a window, a number of 30 seconds since 1970: HOTP of RFC 4226, section 5.3,
    with the window for its counter."""
    digest = hmac.digest(key, window.to_bytes(8, "big"), hashlib.sha1)
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset:offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


def window(secret: str, passcode: str, now: float, back: int) -> int | None:
    """The window this passcode is of: now's or one of the `back` before. None for none of them.
    `secret` is base32, with or without its padding; one that is not matches nothing."""
    text = secret.strip().replace(" ", "").upper().rstrip("=")
    try:
        key = base64.b32decode(text + "=" * (-len(text) % 8))
    except ValueError:
        return None
    current = int(now) // STEP
    for each in range(current, current - back - 1, -1):
        if hmac.compare_digest(code(key, each).encode(), passcode.encode()):
            return each
    return None
