"""The isolation matrix: another project's member tries every endpoint with the ids of all that is
alice's, in the path and in bodies. Nothing of hers may come back, and nothing of it may change."""

import contextlib
import hashlib
from dataclasses import dataclass, field
from itertools import product
from random import Random
from typing import TYPE_CHECKING
from urllib.parse import quote

from . import calls, endpoints
from .guard import LEFT_ALONE
from .line import Answer, Line, Question

if TYPE_CHECKING:
    from .run import Field

# What a stranger may be answered. 400, 405, 409, 413, 415: the request never got as far.
REFUSED = frozenset({400, 401, 403, 404, 405, 406, 409, 410, 411, 413, 415, 422, 429})
# Endpoints that say yes to ids they have never heard of, and why that tells nothing.
SAYS_YES = {
    "GET /compute/v2.1/os-quota-sets/<project_id>/defaults":
        "as upstream: the defaults are the same for every project, whether there is one or not",
}
# Bodies with her ids tried at each endpoint that takes one.
BODIES = 6
SEED = 1


@dataclass
class Matrix:
    endpoints: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)
    calls: int = 0
    leaks: list[str] = field(default_factory=list)
    # What the stranger has said himself and was taken: no news to him when it comes back.
    said: bytes = b""

    def __str__(self) -> str:
        return (f"{len(self.endpoints)} endpoints x {len(self.ids)} ids, {self.calls} calls, "
                f"leaks {len(self.leaks)}")


def matrix(here: "Field") -> Matrix:
    """Try it all. The stock of alice's must be whole."""
    with contextlib.closing(here.line()) as line:
        return _matrix(here, line)


def _matrix(here: "Field", line: Line) -> Matrix:
    found, alice = Matrix(), here.alice
    token = here.ground.bob.token
    before = _state(here, line)
    for target in endpoints.every():
        if target.name in LEFT_ALONE:
            continue
        rng = Random(f"{SEED}:{target.name}")
        hand = calls.Hand(rng, alice)
        choices = [alice.own(kind) or alice.ids.get(kind) or ["marked"]
                   for kind in target.kinds.values()]
        takes = target.endpoint.body is not None or target.endpoint.action or target.endpoint.raw
        hers = any(alice.own(kind) for kind in target.kinds.values())
        for values in product(*choices):
            filled = dict(zip(target.kinds, (quote(each, safe="") for each in values), strict=True))
            for _ in range(BODIES if takes else 1):
                body, kind = calls.fitting(target, hand)
                headers = calls.version(target, rng) | {"X-Auth-Token": token}
                if body is not None:
                    headers["Content-Type"] = kind
                question = Question(target.endpoint.method, target.fill(filled), headers, body)
                answer = line.ask(question)
                found.calls += 1
                found.endpoints.add(target.name)
                found.ids |= {each for kind, each in zip(
                    target.kinds.values(), values, strict=True) if alice.own(kind)}
                if answer.status < 300:
                    found.said += question.body or b""
                wrong = _judge(here, target.name, question, answer, hers, found.said)
                if wrong:
                    found.leaks.append(f"# {wrong}: {target.name}\n{question.curl(here.front)}")
    found.leaks += [f"# changed: {each}" for each in sorted(before - _state(here, line))]
    return found


def _judge(here: "Field", name: str, question: Question, answer: Answer, hers: bool,
           said: bytes) -> str:
    alice = here.alice
    if answer.wrong or answer.status >= 500:
        return answer.wrong or str(answer.status)
    if alice.marker.encode() in answer.body:
        return "a name of hers came back"
    said += question.path.encode() + (question.body or b"")
    for ids in alice.ids.values():
        for id_ in ids:
            # Short ids are in anything.
            if len(id_) > 30 and id_.encode() in answer.body and id_.encode() not in said:
                return f"an id of hers came back: {id_}"
    if hers and answer.status not in REFUSED and name not in SAYS_YES:
        return f"{answer.status} for something of hers"
    return ""


def _state(here: "Field", line: Line) -> set[str]:
    """All that is alice's, as she sees it herself."""
    alice = here.alice
    found = set()
    for path, id_ in alice.made:
        question = Question("GET", f"{path}/{id_}", {"X-Auth-Token": alice.tenant.token})
        answer = line.ask(question)
        if answer.status == 200 and "/servers" not in path:
            found.add(f"{path}/{id_} {hashlib.sha256(answer.body).hexdigest()[:12]}")
        else:
            # A server goes through its states by itself; that it is there is enough.
            found.add(f"{path}/{id_} {answer.status}")
    return found


