"""Nova's neighbours as they are: the applications of glance and neutron in this process, and of
cinder for those who ask for it. Placement is a fake still."""

import dataclasses
from pathlib import Path
from typing import Any

from cairn.cinder.app import create_app as cinder_app
from cairn.common.client import refusal
from cairn.common.context import Context
from cairn.common.db import Database
from cairn.common.policy import Policy
from cairn.glance import policy as glance_policy
from cairn.glance.app import create_app as glance_app
from cairn.glance.component import Glance
from cairn.glance.db import models as glance_models
from cairn.glance.drivers.gate import Gate
from cairn.glance.drivers.stores import Stores
from cairn.glance.settings import ImageSettings, ImportSettings, StoreSettings
from cairn.neutron import policy as neutron_policy
from cairn.neutron.app import create_app as neutron_app
from cairn.neutron.component import Neutron
from cairn.neutron.db import models as neutron_models
from cairn.neutron.rpc_server.manager import Manager
from fakes.asked import Answer
from fakes.cinder import World as CinderWorld
from fakes.nova.cloud import Cloud

SERVICE = Context("nova", project_id="service",
                  roles=frozenset({"admin", "service", "member", "reader"}))


class Silence:
    """Stands for the doorbell to network agents."""

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **more: None


class Neighbourhood(Cloud):
    """Stands for common.client.Neighbours. Who asks as a caller has its name for a token."""

    def __init__(
        self, databases: Any, folder: Path, people: dict[str, Context]
    ) -> None:
        """`databases(Base)` makes one; `people` are the callers by their names."""
        super().__init__()
        self.people = {name: dataclasses.replace(ctx, token=name) for name, ctx in people.items()}
        self.people["service"] = SERVICE
        network = self._neutron(databases(neutron_models.Base))
        self.clients = {"network": (network, "/v2.0"),
                        "image": (self._glance(databases(glance_models.Base), folder), "/v2")}

    def authenticate(self, headers: Any) -> Context | None:
        return self.people.get(headers.get("X-Auth-Token"))

    def _neutron(self, db: Database) -> Any:
        agents: Any = Silence()
        self.neutron = Neutron(db=db, policy=Policy(neutron_policy.RULES), agents=agents)
        for host in ("one", "two"):
            Manager(self.neutron).report_state(Context(), host, "10.9.0.1", True, [{
                "agent_type": "Linux bridge agent", "binary": "neutron-agent",
                "configurations": {}}])
        return neutron_app(self.neutron, self.authenticate, {}).test_client()

    def _glance(self, db: Database, folder: Path) -> Any:
        (folder / "images").mkdir()
        settings = ImageSettings(folder=str(folder / "images"), accel="")
        imports = ImportSettings()
        stores = Stores(settings, StoreSettings(), imports, Gate(imports))
        glance = Glance(db, Policy(glance_policy.RULES), settings, stores, imports=imports)
        return glance_app(glance, self.authenticate, {}).test_client()

    def add_cinder(self, db: Database, folder: Path) -> CinderWorld:
        """From now on volumes are cinder's; in it works run when its `settle` is called."""
        folder.mkdir()
        world = CinderWorld(db, folder)
        client = cinder_app(world.cinder, self.authenticate, {}).test_client()
        self.clients["block-storage"] = (client, "/v3")
        return world

    def request(self, service: str, method: str, path: str, **options: Any) -> Any:
        if service not in self.clients:
            return super().request(service, method, path, **options)
        self.asked.append((service, method, path))
        client, prefix = self.clients[service]
        headers = {"X-Auth-Token": "service", **options.get("headers", {})}
        if options.get("version"):
            headers["OpenStack-API-Version"] = f"volume {options['version']}"
        answer = Answer(client.open(
            prefix + path, method=method, headers=headers,
            **{name: options[name] for name in ("json", "data") if name in options}))
        if answer.status_code >= 400:
            raise refusal(service, answer)
        return answer

    def ask(self, who: str, service: str, method: str, path: str, json: Any = None) -> Any:
        """What one of the people is answered, who asks the neighbour itself."""
        answer = self.request(service, method, path, headers={"X-Auth-Token": who}, json=json,
                              version="3.71" if service == "block-storage" else None)
        return answer.json() if answer.content else None

    # --- What the fixtures of nova's tests make ---

    def image(self, who: str = "admin", data: bytes | None = b"*" * 1024, **more: Any) -> str:
        """A new image's id; it is active unless `data` are None."""
        made = self.ask(who, "image", "POST", "/images", {
            "name": "cirros", "disk_format": "raw", "container_format": "bare",
            "visibility": "public" if who == "admin" else "private", **more})
        if data is not None:
            self.request("image", "PUT", f"/images/{made['id']}/file", data=data, headers={
                "X-Auth-Token": who, "Content-Type": "application/octet-stream"})
        return str(made["id"])

    def network(self, project_id: str, name: str = "private", **properties: Any) -> str:
        """A network of the project's with a subnet of its own; its id."""
        made = self.ask("admin", "network", "POST", "/networks", {"network": {
            "name": name, "project_id": project_id, **properties}})["network"]
        self.subnets[made["id"]] = self.ask("admin", "network", "POST", "/subnets", {"subnet": {
            "network_id": made["id"], "ip_version": 4, "project_id": project_id,
            "cidr": f"10.{len(self.subnets)}.0.0/24"}})["subnet"]
        return str(made["id"])

    def route(self, project_id: str, outside: str, inside: str) -> None:
        """A router of the project's between the two networks."""
        router = self.ask("admin", "network", "POST", "/routers", {"router": {
            "name": "r", "project_id": project_id,
            "external_gateway_info": {"network_id": outside}}})["router"]["id"]
        self.ask("admin", "network", "PUT", f"/routers/{router}/add_router_interface",
                 {"subnet_id": self.subnets[inside]["id"]})
