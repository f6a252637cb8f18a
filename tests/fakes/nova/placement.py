"""As much of Placement as nova asks."""

from typing import Any

from fakes.nova.answers import Answer, Document, refuse


class Placement:
    def __init__(self) -> None:
        super().__init__()
        self.providers: dict[str, Document] = {}
        self.allocations: dict[str, Document] = {}

    def _placement(
        self, method: str, path: list[str], query: dict[str, list[str]], body: Any
    ) -> Any:
        if path[0] == "allocation_candidates":
            return self._candidates(query)
        if path == ["allocations"]:
            return self._reallocate(body)
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
        if method == "DELETE":
            if any(path[1] in allocation for allocation in self.allocations.values()):
                raise refuse("placement", 409, "Unable to delete resource provider: in use")
            del self.providers[path[1]]
            return Answer(None, 204)
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
            if provider not in query.get("in_tree", [provider]):
                continue
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
            "provider_summaries": {provider: {
                "traits": self.providers[provider]["traits"], "resources": {
                    name: {"capacity": self._used(provider)[name] + room,
                           "used": self._used(provider)[name]}
                    for name, room in self._room(provider).items()}} for provider in fit},
        }

    def _reallocate(self, body: Any) -> Answer:
        """Of several consumers at once: here those that pass on what they have."""
        gone = [consumer for consumer, claim in body.items() if not claim["allocations"]]
        if any(consumer in self.allocations for consumer in body if consumer not in gone):
            raise refuse("placement", 409, "consumer generation conflict")
        for consumer in gone:
            del self.allocations[consumer]
        for consumer, claim in body.items():
            if consumer not in gone:
                self.allocations[consumer] = claim["allocations"]
        return Answer(None, 204)

    def _allocate(self, method: str, consumer: str, body: Any) -> Any:
        if method == "GET":
            held = self.allocations.get(consumer)
            return {"allocations": held or {}} | ({} if held is None else {
                "project_id": "red", "user_id": "alice", "consumer_generation": 1,
                "consumer_type": "INSTANCE"})
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
