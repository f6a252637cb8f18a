"""Signatures of requests to EC2 and S3 APIs: versions 1, 2 and 4 (AWS General Reference).

Pure functions of a secret and what was signed. Version 0, which signs no more than an action and
a time, is not taken. Raises ValueError for what cannot be checked.
"""

import base64
import hashlib
import hmac
import urllib.parse
from dataclasses import dataclass
from typing import Any

ALGORITHM = "AWS4-HMAC-SHA256"
# Services whose strings an object store may ask about.
SERVICES = {"s3", "iam", "sts"}


def request(secret: str, given: dict[str, Any], host: str) -> str:
    """The signature that the request `given` (verb, path, params, headers, body_hash) has if it was
    signed with `secret`."""
    params = {str(name): str(value) for name, value in (given.get("params") or {}).items()}
    version = params.get("SignatureVersion")
    if version == "1":
        pairs = sorted(params.items(), key=lambda pair: pair[0].lower())
        return _sha1(secret, "".join(name + value for name, value in pairs).encode())
    verb, path = str(given.get("verb", "")), str(given.get("path", ""))
    if version == "2":
        text = f"{verb}\n{host}\n{path}\n{_query(params)}".encode()
        if params.get("SignatureMethod") == "HmacSHA1":
            return _sha1(secret, text)
        return base64.b64encode(hmac.digest(secret.encode(), text, hashlib.sha256)).decode()
    if version is not None:
        raise ValueError(f"signature version {version} is not supported")
    return _version_4(secret, given, verb, path, params, host)


@dataclass(frozen=True)
class Moments:
    """What a request says of its own time, taken from nowhere but what its signature covers."""

    made: str | None = None
    ends: str | None = None
    seconds: str | None = None


def moments(given: dict[str, Any]) -> Moments:
    """What the parameters and headers of a request say of its time, as far as they are signed."""
    params = {str(name): str(value) for name, value in (given.get("params") or {}).items()}
    if "SignatureVersion" in params:
        return Moments(params.get("Timestamp"), params.get("Expires"))
    # The parameters of a POST are not signed: whatever else they say is somebody's later word.
    seconds = params.get("X-Amz-Expires", "")
    return Moments(_date(_headers(given), params) or None,
                   seconds=seconds if seconds.isascii() and seconds.isdigit() else None)


def _headers(given: dict[str, Any]) -> dict[str, str]:
    return {str(name).lower().strip(): " ".join(str(value).split())
            for name, value in (given.get("headers") or {}).items()}


def _date(headers: dict[str, str], params: dict[str, str]) -> str:
    return headers.get("x-amz-date") or params.get("X-Amz-Date", "")


def string(secret: str, text: bytes) -> str:
    """The signature of a string to sign, as S3 clients make it."""
    if not text.startswith(b"AWS4"):
        return _sha1(secret, text)
    lines = text.decode().split("\n")
    if len(lines) != 4 or lines[0] != ALGORITHM:
        raise ValueError("not a string to sign")
    return _signed(secret, lines[2], text)


def _version_4(
    secret: str, given: dict[str, Any], verb: str, path: str, params: dict[str, str], host: str
) -> str:
    headers = _headers(given)
    if "host" in headers:
        headers["host"] = host or headers["host"]
    authorization = headers.get("authorization", "")
    said = {}
    if authorization.startswith(ALGORITHM):
        for part in authorization.removeprefix(ALGORITHM).split(","):
            name, _, value = part.strip().partition("=")
            said[name] = value
    elif params.get("X-Amz-Algorithm") == ALGORITHM:
        said = {name.removeprefix("X-Amz-"): value for name, value in params.items()}
        params = {name: value for name, value in params.items() if name != "X-Amz-Signature"}
    credential, names = said.get("Credential", ""), said.get("SignedHeaders", "")
    _, _, scope = credential.partition("/")
    date = _date(headers, params)
    if not scope or not date.startswith(scope[:8]):
        raise ValueError("the date is not that of the credential's scope")
    signed = "\n".join(f"{name}:{headers[name]}" for name in names.split(";") if name in headers)
    canonical = "\n".join((
        verb.upper(), path, "" if verb.upper() == "POST" else _query(params), signed + "\n", names,
        str(given.get("body_hash", "")),
    ))
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    return _signed(secret, scope, f"{ALGORITHM}\n{date}\n{scope}\n{digest}".encode(), ())


def _signed(secret: str, scope: str, text: bytes, services: Any = SERVICES) -> str:
    parts = scope.split("/")
    if len(parts) != 4 or parts[3] != "aws4_request" or (services and parts[2] not in services):
        raise ValueError("not the scope of a credential")
    key = b"AWS4" + secret.encode()
    for part in parts:
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    return hmac.digest(key, text, hashlib.sha256).hex()


def _sha1(secret: str, text: bytes) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), text, hashlib.sha1)).decode()


def _query(params: dict[str, str]) -> str:
    return "&".join(
        f"{urllib.parse.quote(name, safe='-_.~')}={urllib.parse.quote(value, safe='-_.~')}"
        for name, value in sorted(params.items())
    )
