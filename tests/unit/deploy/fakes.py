"""A cloud in memory that behaves as the SDK's callers see it: what is made is found again."""

import itertools
from types import SimpleNamespace
from typing import Any

from openstack.exceptions import SDKException

Thing = SimpleNamespace


class Store:
    def __init__(self) -> None:
        self.things: dict[str, list[Any]] = {}
        self.made: list[str] = []
        self.ids = itertools.count(1)

    def create(self, kind: str, **fields: Any) -> Any:
        self.made.append(kind)
        thing = Thing(**{"id": f"{kind}-{next(self.ids)}", **fields})
        self.things.setdefault(kind, []).append(thing)
        return thing

    def find(self, kind: str, name: str, ignore_missing: bool = True) -> Any:
        for thing in self.things.get(kind, []):
            if thing.name == name:
                return thing
        if not ignore_missing:
            raise SDKException(f"No {kind} found for {name}")
        return None

    def list(self, kind: str, **match: Any) -> list[Any]:
        return [
            thing for thing in self.things.get(kind, [])
            if all(getattr(thing, name) == value for name, value in match.items())
        ]


class Identity:
    def __init__(self, store: Store) -> None:
        self.store = store
        store.create("role", name="member")
        self.assigned: set[tuple[str, str, str]] = set()

    def find_project(self, name: str) -> Any:
        return self.store.find("project", name)

    def create_project(self, **fields: Any) -> Any:
        return self.store.create("project", **fields)

    def find_user(self, name: str) -> Any:
        return self.store.find("user", name)

    def create_user(self, **fields: Any) -> Any:
        return self.store.create("user", **fields)

    def find_role(self, name: str, ignore_missing: bool) -> Any:
        return self.store.find("role", name, ignore_missing)

    def assign_project_role_to_user(self, project: Any, user: Any, role: Any) -> None:
        self.assigned.add((project.id, user.id, role.id))


class Image:
    def __init__(self, store: Store) -> None:
        self.store = store

    def find_image(self, name: str, ignore_missing: bool = True) -> Any:
        return self.store.find("image", name, ignore_missing)

    def create_image(self, *, filename: str, **fields: Any) -> Any:
        return self.store.create("image", status="active", filename=filename, **fields)

    def get_image(self, image_id: str) -> Any:
        return self.store.list("image", id=image_id)[0]

    def delete_image(self, image: Any, ignore_missing: bool) -> None:
        self.store.things["image"].remove(image)


class Network:
    def __init__(self, store: Store) -> None:
        self.store = store

    def find_network(self, name: str, ignore_missing: bool = True) -> Any:
        return self.store.find("network", name, ignore_missing)

    def create_network(self, **fields: Any) -> Any:
        return self.store.create("network", **fields)

    def subnets(self, network_id: str) -> Any:
        return iter(self.store.list("subnet", network_id=network_id))

    def find_subnet(self, name: str) -> Any:
        return self.store.find("subnet", name)

    def create_subnet(self, **fields: Any) -> Any:
        return self.store.create("subnet", **fields)

    def find_router(self, name: str) -> Any:
        return self.store.find("router", name)

    def create_router(self, **fields: Any) -> Any:
        return self.store.create("router", **fields)

    def ports(self, device_id: str) -> Any:
        return iter(self.store.list("port", device_id=device_id))

    def add_interface_to_router(self, router: Any, subnet_id: str) -> None:
        self.store.create("port", device_id=router.id, fixed_ips=[{"subnet_id": subnet_id}])

    def find_security_group(self, name: str) -> Any:
        return self.store.find("security_group", name)

    def create_security_group(self, **fields: Any) -> Any:
        return self.store.create("security_group", **fields)

    def security_group_rules(self, security_group_id: str) -> Any:
        return iter(self.store.list("rule", security_group_id=security_group_id))

    def create_security_group_rule(self, **fields: Any) -> Any:
        return self.store.create("rule", **fields)

    def ips(self) -> Any:
        return iter(self.store.list("ip"))

    def create_ip(self, floating_network_id: str, port_id: str) -> Any:
        return self.store.create("ip", port_id=port_id, floating_ip_address="127.0.0.1")

    def update_ip(self, ip: Any, port_id: str) -> Any:
        ip.port_id = port_id
        return ip


class Compute:
    # How a server that was just asked for turns out.
    fate = ("ACTIVE", None)

    def __init__(self, store: Store) -> None:
        self.store = store

    def flavors(self) -> Any:
        return iter(self.store.list("flavor"))

    def find_flavor(self, name: str, ignore_missing: bool) -> Any:
        return self.store.find("flavor", name, ignore_missing)

    def create_flavor(self, **fields: Any) -> Any:
        return self.store.create("flavor", **fields)

    def find_keypair(self, name: str) -> Any:
        return self.store.find("keypair", name)

    def create_keypair(self, **fields: Any) -> Any:
        return self.store.create("keypair", **fields)

    def delete_keypair(self, keypair: Any) -> None:
        self.store.things["keypair"].remove(keypair)

    def find_server(self, name: str, ignore_missing: bool = True) -> Any:
        return self.store.find("server", name, ignore_missing)

    def create_server(self, **fields: Any) -> Any:
        server = self.store.create(
            "server", status="BUILD", task_state="scheduling", fault=None, **fields
        )
        self.store.create("port", device_id=server.id, fixed_ips=[])
        return server

    def get_server(self, server_id: str) -> Any:
        server = self.store.list("server", id=server_id)[0]
        if server.status == "BUILD":
            server.status, server.fault = self.fate
        return server

    def start_server(self, server: Any) -> None:
        server.status = "ACTIVE"

    def delete_server(self, server: Any) -> None:
        self.store.things["server"].remove(server)

    def wait_for_delete(self, server: Any, interval: int, wait: int) -> None:
        pass


class Connection:
    def __init__(self, store: Store) -> None:
        self.identity = Identity(store)
        self.image = Image(store)
        self.network = Network(store)
        self.compute = Compute(store)
