"""Questions to neighbouring services over their public APIs, as this component's service user."""

from typing import Any

import requests
from keystoneauth1 import adapter, session
from keystoneauth1 import exceptions as ksa
from keystoneauth1.identity import v3

from cairn.common import held
from cairn.common.context import Context
from cairn.common.errors import Problem, Remote, Unavailable
from cairn.common.settings import IdentitySettings

# The version part that a service type's catalog entry lacks.
PREFIXES = {"network": "/v2.0", "image": "/v2"}


def as_caller(ctx: Context) -> dict[str, Any]:
    """Options of a request that shall see what the caller sees, and no more."""
    return {"headers": {"X-Auth-Token": ctx.token}} if ctx.token else {}


class Neighbours:
    """The cloud's other services. One per process; safe from any thread; connects when used."""

    def __init__(self, settings: IdentitySettings, timeout: float = 60) -> None:
        self.settings = settings
        auth = v3.Password(
            auth_url=settings.auth_url, username=settings.username, password=settings.password,
            project_name=settings.project_name, user_domain_name=settings.user_domain_name,
            project_domain_name=settings.project_domain_name,
        )
        transport = requests.Session()
        sized = requests.adapters.HTTPAdapter(pool_connections=4, pool_maxsize=32)
        transport.mount("https://", sized)
        transport.mount("http://", sized)
        self._session = session.Session(
            auth=auth, verify=settings.ca_file or True, timeout=timeout, session=transport
        )
        self._adapters: dict[str, adapter.Adapter] = {}

    def request(
        self, service: str, method: str, path: str, *, ctx: Context | None = None,
        version: str | None = None, **options: Any,
    ) -> requests.Response:
        """Ask `service` (a service type: "network", "image", "placement", "compute", "identity").

        `version` is a microversion. With `ctx.token` options may pass it on as the caller's own:
        headers={"X-Auth-Token": ...}. Raises Remote for an answer of 400 and above,
        Unavailable for none.
        """
        held.none_for(f"{service}: {method} {path}")
        headers = dict(options.pop("headers", {}))
        if ctx is not None:
            headers["X-OpenStack-Request-ID"] = ctx.global_request_id or ctx.request_id
        if "X-Auth-Token" in headers:
            options["authenticated"] = False  # Else the session puts its own over the caller's.
        try:
            response = self._adapter(service).request(
                PREFIXES.get(service, "") + path, method, headers=headers, raise_exc=False,
                microversion=version, connect_retries=2, **options,
            )
        except ksa.ClientException as error:
            raise Unavailable(reason=f"The {service} service did not answer: {error}") from error
        return _accepted(service, response)

    def get(self, service: str, path: str, **options: Any) -> requests.Response:
        return self.request(service, "GET", path, **options)

    def post(self, service: str, path: str, **options: Any) -> requests.Response:
        return self.request(service, "POST", path, **options)

    def put(self, service: str, path: str, **options: Any) -> requests.Response:
        return self.request(service, "PUT", path, **options)

    def delete(self, service: str, path: str, **options: Any) -> requests.Response:
        return self.request(service, "DELETE", path, **options)

    def endpoint(self, service: str, region: str, interface: str) -> str:
        """Where a service is in a region, without a version. Raises Unavailable."""
        held.none_for(f"{service} of {region}")
        try:
            url = self._session.get_endpoint(
                service_type=service, region_name=region, interface=interface)
        except (ksa.ClientException, ValueError) as error:
            raise Unavailable(reason=f"The {service} service of {region}: {error}") from error
        if not url:
            raise Unavailable(reason=f"No {interface} endpoint of {service} in region {region}.")
        return str(url).rstrip("/")

    def lend(
        self, service: str, requests_: list[tuple[str, str]], seconds: int
    ) -> tuple[str, str]:
        """What another process needs to make these requests, (method, path), of a service in our
        name, and no others: the service's address, and a token that is good for so long.
        Raises Remote, Unavailable."""
        rules = [{"service": service, "method": method, "path": path}
                 for method, path in requests_]
        url = self.endpoint(service, self.settings.region, "internal")
        try:
            return url, self._narrowed(rules, seconds)
        except Remote:
            # Our own token may have been ended: once more with another.
            self._session.invalidate()
            return url, self._narrowed(rules, seconds)

    def _narrowed(self, rules: list[dict[str, str]], seconds: int) -> str:
        own = self.settings
        answer = self.post("identity", "/auth/tokens?nocatalog", json={"auth": {
            "identity": {"methods": ["token"], "token": {"id": self._session.get_token()}},
            "scope": {"project": {"name": own.project_name,
                                  "domain": {"name": own.project_domain_name}}},
            "CAIRN:narrow": {"access_rules": rules, "seconds": seconds},
        }})
        return str(answer.headers["X-Subject-Token"])

    def fetch(self, url: str, *, token: str = "", **options: Any) -> requests.Response:
        """GET an address of another region's service, as the bearer of `token` or as ourselves.
        Raises Remote, Unavailable."""
        held.none_for(url)
        headers = {**options.pop("headers", {}), **({"X-Auth-Token": token} if token else {})}
        try:
            response = self._session.get(
                url, headers=headers, authenticated=not token, raise_exc=False, **options)
        except ksa.ClientException as error:
            raise Unavailable(reason=f"{url} did not answer: {error}") from error
        return _accepted(url, response)

    def _adapter(self, service: str) -> adapter.Adapter:
        if service not in self._adapters:
            self._adapters[service] = adapter.Adapter(
                self._session, service_type=service, interface="internal",
                region_name=self.settings.region,
            )
        return self._adapters[service]


def _accepted(service: str, response: Any) -> requests.Response:
    """Raises Remote for an answer of 400 and above."""
    assert isinstance(response, requests.Response)
    if response.status_code >= 400:
        raise refusal(service, response)
    return response


def refusal(service: str, response: requests.Response) -> Problem:
    """A neighbour's refusal, in its own words, whatever envelope they came in."""
    text = response.text[:1000]
    try:
        document = response.json()
    except ValueError:
        document = None
    if isinstance(document, dict):
        inner = next(iter(document.values()), None)
        if isinstance(inner, list) and inner:
            inner = inner[0]
        if isinstance(inner, dict):
            text = str(inner.get("message") or inner.get("detail") or text)
        elif "message" in document:
            text = str(document["message"])
    return Remote(f"{service} {response.status_code}", response.status_code, text)
