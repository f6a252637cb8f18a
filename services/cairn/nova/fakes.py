"""Neighbours that behave, in memory: for tests and for benches of thousands of hosts.

Cloud answers what nova asks of glance, neutron and placement as those do, errors included. It
counts questions, and can be told to refuse or to be away.
"""

import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
from sqlalchemy import update

from cairn.common import held
from cairn.common.context import Context
from cairn.common.db import Database
from cairn.common.errors import Problem, Remote, Unavailable
from cairn.common.ledger import DatabaseLedger, RemoteLedger
from cairn.common.policy import Policy
from cairn.common.work import Worker
from cairn.nova.component import Nova
from cairn.nova.compute import flows as compute_flows
from cairn.nova.compute.doer import Hands as ComputeHands
from cairn.nova.compute.manager import Manager as ComputeManager
from cairn.nova.conductor import flows as conductor_flows
from cairn.nova.conductor.doer import Hands as ConductorHands
from cairn.nova.conductor.manager import Manager as ConductorManager
from cairn.nova.db.models import Server, Service, Work, WorkStep
from cairn.nova.drivers.fake import FakeDriver
from cairn.nova.policy import RULES
from cairn.nova.rpc import CONDUCTOR, runner_of
from cairn.nova.scheduler.manager import Manager as SchedulerManager
from cairn.nova.settings import ComputeSettings, ConductorSettings, SchedulerSettings

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


@dataclass
class Cloud:
    """Stands for common.client.Neighbours."""

    images: dict[str, Document] = field(default_factory=dict)
    networks: dict[str, Document] = field(default_factory=dict)
    subnets: dict[str, Document] = field(default_factory=dict)
    ports: dict[str, Document] = field(default_factory=dict)
    floatingips: dict[str, Document] = field(default_factory=dict)
    groups: dict[str, Document] = field(default_factory=dict)
    providers: dict[str, Document] = field(default_factory=dict)
    allocations: dict[str, Document] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    # What other processes were lent, as (method, path).
    lent: list[list[tuple[str, str]]] = field(default_factory=list)
    # Called before each question with (service, method, path); may raise.
    before: Callable[[str, str, str], None] = lambda service, method, path: None
    # Whether the network agent plugs a port as soon as it is bound.
    plugs: bool = True
    _lock: Any = field(default_factory=threading.RLock)
    _addresses: int = 10

    def request(self, service: str, method: str, path: str, **options: Any) -> Any:
        held.none_for(f"{service}: {method} {path}")
        self.before(service, method, path)
        with self._lock:
            self.asked.append((service, method, path))
            parts = urlsplit(path)
            answer: Any = getattr(self, f"_{service}")(
                method, parts.path.strip("/").split("/"), parse_qs(parts.query),
                options.get("json"),
            )
        return answer if isinstance(answer, Answer) else Answer(answer)

    def get(self, service: str, path: str, **options: Any) -> Any:
        return self.request(service, "GET", path, **options)

    def post(self, service: str, path: str, **options: Any) -> Any:
        return self.request(service, "POST", path, **options)

    def put(self, service: str, path: str, **options: Any) -> Any:
        return self.request(service, "PUT", path, **options)

    def delete(self, service: str, path: str, **options: Any) -> Any:
        return self.request(service, "DELETE", path, **options)

    def away(self, *services: str) -> None:
        """From now on these do not answer; without names, all do again."""

        def before(service: str, method: str, path: str) -> None:
            if service in services:
                raise Unavailable(reason=f"The {service} service did not answer")

        self.before = before

    def lend(
        self, service: str, requests: list[tuple[str, str]], seconds: int
    ) -> tuple[str, str]:
        self.before(service, "LEND", "")
        self.lent.append(requests)
        return f"http://{service}", "lent"

    # --- Things to have ---

    def image(self, **properties: Any) -> str:
        image_id = str(uuid.uuid4())
        self.images[image_id] = {
            "id": image_id, "name": "cirros", "status": "active", "disk_format": "qcow2",
            "container_format": "bare", "size": 1 << 20, "min_disk": 0, "min_ram": 0,
            "os_hash_value": "ab" * 64, "checksum": "ab" * 16, **properties,
        }
        return image_id

    def network(self, project_id: str, name: str = "private", **properties: Any) -> str:
        network_id, subnet_id = str(uuid.uuid4()), str(uuid.uuid4())
        number = len(self.networks)
        self.networks[network_id] = {
            "id": network_id, "name": name, "tenant_id": project_id, "project_id": project_id,
            "mtu": 1450, "subnets": [subnet_id], "shared": False, "router:external": False,
            **properties,
        }
        self.subnets[subnet_id] = {
            "id": subnet_id, "network_id": network_id, "cidr": f"10.{number}.0.0/24",
            "ip_version": 4, "gateway_ip": f"10.{number}.0.1", "dns_nameservers": ["10.0.0.2"],
            "host_routes": [], "enable_dhcp": True,
        }
        return network_id

    def group(self, project_id: str, name: str) -> str:
        group_id = str(uuid.uuid4())
        self.groups[group_id] = {
            "id": group_id, "name": name, "description": name, "tenant_id": project_id,
            "project_id": project_id, "security_group_rules": [],
        }
        return group_id

    # --- Glance ---

    def _image(self, method: str, path: list[str], query: Any, body: Any) -> Any:
        if method == "POST":
            return self.images[self.image(**body, status="queued")]
        if path[1] not in self.images:
            raise refuse("image", 404, f"No image found with ID {path[1]}")
        if method == "DELETE":
            del self.images[path[1]]
            return Answer(None, 204)
        if method == "PUT":
            return self._upload(self.images[path[1]])
        return self.images[path[1]]

    def _upload(self, image: Document) -> Answer:
        if image["status"] != "queued":
            raise refuse("image", 409, f"The image is {image['status']}")
        image["status"] = "active"
        return Answer(None, 204)

    # --- Neutron ---

    _NEUTRON = {
        "networks": ("network", "networks"), "subnets": ("subnet", "subnets"),
        "ports": ("port", "ports"), "floatingips": ("floatingip", "floatingips"),
        "security-groups": ("security_group", "groups"),
    }

    def _network(
        self, method: str, path: list[str], query: dict[str, list[str]], body: Any
    ) -> Any:
        one, store = self._NEUTRON[path[0]]
        things: dict[str, Document] = getattr(self, store)
        if method == "POST":
            made = self._made(path[0], body[one])
            things[made["id"]] = made
            return Answer({one: made}, 201)
        if len(path) == 1:
            found = [dict(t) for t in things.values() if self._matches(t, query)]
            return {path[0].replace("-", "_"): found}
        if path[1] not in things:
            raise refuse("network", 404, f"{one} {path[1]} could not be found.")
        if method == "DELETE":
            del things[path[1]]
            return Answer(None, 204)
        if method == "PUT":
            things[path[1]] |= self._addressed(things[path[1]], body[one])
        return {one: dict(things[path[1]])}

    def _matches(self, thing: Document, query: dict[str, list[str]]) -> bool:
        addresses = [f"ip_address={f['ip_address']}" for f in thing.get("fixed_ips") or ()]
        return all(set(addresses) & set(values) if name == "fixed_ips"
                   else str(thing.get(name)) in values
                   for name, values in query.items() if name != "fields")

    def _made(self, kind: str, asked: Document) -> Document:
        made = {"id": str(uuid.uuid4()), **asked}
        if kind == "security-groups":
            return {"security_group_rules": [], "tenant_id": asked.get("project_id", ""), **made}
        if kind != "ports":
            return made
        made = {
            "status": "DOWN", "security_groups": [], "device_id": "", "device_owner": "",
            "binding:vnic_type": "normal", "fixed_ips": [], "mac_address": "", **made,
        }
        number = self._addresses = self._addresses + 1
        made["mac_address"] = f"fa:16:3e:00:{number >> 8:02x}:{number & 255:02x}"
        made |= self._addressed(made, {"fixed_ips": made["fixed_ips"] or [{}]})
        return made | self._addressed(made, asked | {"fixed_ips": made["fixed_ips"]})

    def _addressed(self, port: Document, asked: Document) -> Document:
        """What is asked, with addresses and the binding filled in."""
        asked = dict(asked)
        if "fixed_ips" in asked:
            subnet = next(s for s in self.subnets.values()
                          if s["network_id"] == port["network_id"])
            for fixed in asked["fixed_ips"]:
                if "ip_address" not in fixed:
                    self._addresses += 1
                    fixed["ip_address"] = subnet["cidr"].replace("0/24", str(self._addresses))
                fixed.setdefault("subnet_id", subnet["id"])
        if "binding:host_id" in asked:
            bound = bool(asked["binding:host_id"])
            asked |= {"binding:vif_type": "tap" if bound else "unbound",
                      "status": "ACTIVE" if bound and self.plugs else "DOWN"}
        return asked

    # --- Placement ---

    def _placement(
        self, method: str, path: list[str], query: dict[str, list[str]], body: Any
    ) -> Any:
        if path[0] == "allocation_candidates":
            return self._candidates(query)
        if path[0] == "allocations":
            return self._allocate(method, path[1], body)
        if path[0] == "traits":
            return Answer(None, 201)
        return self._provider(method, path, query, body)

    def _provider(self, method: str, path: list[str], query: Any, body: Any) -> Any:
        if method == "POST":
            if any(p["name"] == body["name"] for p in self.providers.values()):
                raise refuse("placement", 409, "Conflicting resource provider name")
            self.providers[body["uuid"]] = {**body, "generation": 0, "inventories": {},
                                            "traits": []}
            return self.providers[body["uuid"]]
        if len(path) == 1:
            return {"resource_providers": [
                p for p in self.providers.values() if p["name"] in query.get("name", p["name"])]}
        provider = self.providers.get(path[1])
        if provider is None:
            raise refuse("placement", 404, f"No resource provider with uuid {path[1]} found")
        if len(path) == 2:
            return provider
        if path[2] == "usages":
            return {"usages": self._used(path[1]),
                    "resource_provider_generation": provider["generation"]}
        if method == "PUT":
            if body["resource_provider_generation"] != provider["generation"]:
                raise refuse("placement", 409, "resource provider generation conflict")
            provider[path[2]] = body[path[2]]
            provider["generation"] += 1
        return {path[2]: provider[path[2]],
                "resource_provider_generation": provider["generation"]}

    def _used(self, provider: str) -> dict[str, int]:
        used = dict.fromkeys(self.providers[provider]["inventories"], 0)
        for allocation in self.allocations.values():
            for name, amount in allocation.get(provider, {}).get("resources", {}).items():
                used[name] += amount
        return used

    def _room(self, provider: str) -> dict[str, int]:
        used = self._used(provider)
        return {
            name: int((i["total"] - i["reserved"]) * i["allocation_ratio"]) - used[name]
            for name, i in self.providers[provider]["inventories"].items()
        }

    def _candidates(self, query: dict[str, list[str]]) -> Document:
        wanted = {name: int(amount) for name, _, amount in
                  (part.partition(":") for part in query["resources"][0].split(","))}
        traits = [t for text in query.get("required", ()) for t in text.split(",")]
        fit = []
        for provider, known in self.providers.items():
            room = self._room(provider)
            have = all(amount <= room.get(name, 0) and
                       amount <= known["inventories"][name]["max_unit"]
                       for name, amount in wanted.items())
            marked = all((t.removeprefix("!") in known["traits"]) != t.startswith("!")
                         for t in traits)
            if have and marked:
                fit.append(provider)
        return {
            "allocation_requests": [
                {"allocations": {provider: {"resources": wanted}}} for provider in fit],
            "provider_summaries": {provider: {"traits": [], "resources": {
                name: {"capacity": self._used(provider)[name] + room,
                       "used": self._used(provider)[name]}
                for name, room in self._room(provider).items()}} for provider in fit},
        }

    def _allocate(self, method: str, consumer: str, body: Any) -> Any:
        if method == "GET":
            return {"allocations": self.allocations.get(consumer, {})}
        if method == "DELETE":
            if self.allocations.pop(consumer, None) is None:
                raise refuse("placement", 404, f"No allocations for consumer '{consumer}'")
            return Answer(None, 204)
        if consumer in self.allocations:
            raise refuse("placement", 409, "consumer generation conflict")
        for provider, wanted in body["allocations"].items():
            room = self._room(provider)
            for name, amount in wanted["resources"].items():
                if amount > room.get(name, 0):
                    raise refuse("placement", 409, f"Unable to allocate {name}")
        self.allocations[consumer] = body["allocations"]
        return Answer(None, 204)


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


class World:
    """A whole nova in one process: api, conductor, scheduler, and computes with the fake driver.
    Nothing runs by itself: `settle` runs the works there are, one at a time."""

    def __init__(
        self, db: Database, hosts: Iterable[str] = ("one",), cloud: Cloud | None = None,
        *, folder: Path = Path("/nonexistent"),
    ) -> None:
        self.db, self.cloud = db, cloud or Cloud()
        self.rung: list[str] = []
        self.folder = folder
        self.drivers: dict[str, FakeDriver] = {}
        self.workers: dict[str, Worker] = {}
        # Called when a host waits.
        self.nap: Callable[[float], None] = lambda seconds: None
        self.managers: dict[str, ComputeManager] = {}
        conductor: Any = Direct(lambda host: self.conductor)
        compute: Any = Direct(self._compute)
        scheduler: Any = Direct(lambda host: self.scheduler)
        self.nova = Nova(db=db, policy=Policy(RULES), conductor=conductor, compute=compute,
                         cloud=self.cloud,
                         pause=lambda seconds: self.settle())
        self.ledger = DatabaseLedger(db, Work, WorkStep, ring=self.rung.append)
        hands = ConductorHands(self.nova, scheduler, ConductorSettings(), patience=0.0)
        self.workers[CONDUCTOR] = self._worker(
            CONDUCTOR, self.ledger, conductor_flows.make(hands))
        self.conductor = ConductorManager(self.nova, self.ledger)
        self.scheduler = SchedulerManager(db, self.cloud, SchedulerSettings(), self.nova.service,
                                          self.nova.api)
        for host in hosts:
            self.add_host(host)

    def _worker(self, runner: str, ledger: Any, flows: list[Any]) -> Worker:
        return Worker(ledger, flows, runner=runner, owner=runner, threads=1)

    def _compute(self, host: str | None) -> Any:
        if host not in self.managers:
            raise Unavailable(reason=f"No answer from nova.compute.{host} in time.")
        return self.managers[host]

    def add_host(
        self, host: str, *, plugging_timeout: float = 0.0, **size: int
    ) -> FakeDriver:
        """A compute that works, as it says itself."""
        settings = ComputeSettings(driver="fake", vif_plugging_timeout=plugging_timeout,
                                   folder=str(self.folder))
        driver = self.drivers[host] = FakeDriver(settings, host, **size)
        images: Any = NoImages()
        conductor: Any = Direct(lambda host: self.conductor, sender=host)
        transfers: Any = FakeTransfers(conductor, self.cloud)
        hands = ComputeHands(conductor, driver, images, settings, host, transfers,
                             sleep=lambda seconds: self.nap(seconds))
        worker = self._worker(runner_of(host), RemoteLedger(conductor),
                              compute_flows.make(hands))
        self.workers[runner_of(host)] = worker
        self.managers[host] = ComputeManager(conductor, driver, worker)
        self.beat(host)
        self.nova.conductor.report_host(Context(), service_host=host, report=driver.report())
        return driver

    def beat(self, *hosts: str) -> None:
        for host in hosts or list(self.drivers):
            self.nova.conductor.report_service(
                Context(), binary="nova-compute", service_host=host)

    def down(self, host: str) -> None:
        """The host stops answering."""
        del self.managers[host], self.workers[runner_of(host)]
        with self.db.writing() as session:
            session.execute(update(Service).where(Service.host == host).values(seen_at=None))

    def set(self, server_id: str, **values: Any) -> None:
        with self.db.writing() as session:
            session.execute(update(Server).where(Server.id == server_id).values(**values))

    def settle(self) -> None:
        """Run works until there are none that can."""
        while sum(self._ran(worker) for worker in list(self.workers.values())):
            pass

    def _ran(self, worker: Worker) -> bool:
        job = worker.ledger.take(worker.runner, worker.owner, True)
        if job is None:
            return False
        worker.run(job)
        return True


class NoImages:
    """Stands for the image cache: every image is there."""

    def has(self, image: Any) -> bool:
        return True

    def fetch(self, ctx: Context, spec: Any) -> None:
        return None


@dataclass
class FakeTransfers:
    """Stands for compute.transfers.Transfers: asks Cloud for what it is lent, and nothing else."""

    conductor: Any
    cloud: Cloud

    def upload(self, ctx: Context, server_id: str, path: Path) -> None:
        self.cloud.put("image", f"{self._lent(ctx, server_id)}/file")

    def status(self, ctx: Context, server_id: str) -> str:
        return str(self.cloud.get("image", self._lent(ctx, server_id)).json()["status"])

    def _lent(self, ctx: Context, server_id: str) -> str:
        loan = self.conductor.lend_image(ctx, server_id=server_id, purpose="fill")
        return str(loan["url"]).partition("/v2")[2]
