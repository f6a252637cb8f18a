"""Makes the calls, several at a time, and counts what came back."""

import contextlib
import itertools
import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from .. import attacks
from ..clouds import Cloud
from . import calls, endpoints, stock, watch
from .calls import ADMIN, MEMBER, NOBODY, Call
from .guard import LEFT_ALONE
from .isolation import Matrix
from .line import DEADLINE, Answer, Line
from .stock import Stock

THREADS = 8
# Many change the same few things at once: "try again" is an answer, as long as it is rare.
BUSY, MOST_BUSY = "busy", 0.001
# So many calls of a thread, until it looks whether there is still something to call on.
REFILL = 100
# Few: a server that boots takes a processor from what is measured.
QUOTA = {"instances": 2, "cores": 2}


@dataclass
class Failure:
    what: str
    call: Call
    answer: Answer

    def line(self, front: str) -> str:
        said = self.answer.body[:300].decode(errors="replace").replace("\n", " ")
        return (f"# {self.what}: {self.call.target.name} as {self.call.actor}, "
                f"call {self.call.number}: {said}\n{self.call.question.curl(front)}\n")


@dataclass
class Figures:
    seed: int
    calls: int = 0
    actors: Counter[str] = field(default_factory=Counter)
    classes: Counter[str] = field(default_factory=Counter)
    reached: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)
    seconds: list[float] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    restarts: list[str] = field(default_factory=list)
    busy: int = 0
    # Things that were gone and could not be made anew, with the reason: calls went into the void.
    refused: Counter[str] = field(default_factory=Counter)
    isolation: Matrix | None = None
    elapsed: float = 0.0
    endpoints: int = 0

    def count(self, kind: str) -> int:
        return sum(each.what.startswith(kind) for each in self.failures)

    @property
    def good(self) -> bool:
        matrix = self.isolation
        return not self.failures and not self.restarts and self.busy <= MOST_BUSY * self.calls and (
            matrix is None or not matrix.leaks)

    def lines(self) -> Iterator[str]:
        each = sorted(self.seconds) or [0.0]
        yield f"seed         {self.seed}"
        yield (f"calls        {self.calls} in {self.elapsed:.0f} s, "
               f"{self.calls / max(self.elapsed, 0.1):.0f}/s  "
               + ", ".join(f"{name} {count}" for name, count in sorted(self.actors.items())))
        yield (f"endpoints    {len(self.reached)} of {self.endpoints} called, {len(self.taken)} "
               "said yes at least once")
        yield "answers      " + ", ".join(
            f"{name} {count}" for name, count in sorted(self.classes.items()))
        yield (f"time         p50 {each[len(each) // 2] * 1000:.0f} ms, "
               f"p99 {each[int(len(each) * .99)] * 1000:.0f} ms, longest {each[-1]:.1f} s")
        yield (f"5xx          {self.count('5')}      hangs {self.count('hang')} (over "
               f"{DEADLINE:.0f} s), dropped {self.count('dropped')}, not JSON "
               f"{self.count('not JSON')}, leaks {self.count('leak')}")
        yield f"busy         {self.busy} (503: try again)"
        yield f"restarts     {len(self.restarts)}"
        for why, count in self.refused.most_common(5):
            yield f"gone         {count} times {why[:120]}"
        if self.isolation is not None:
            yield f"isolation    {self.isolation}"


def keep(figures: Figures, cloud: Cloud, front: str) -> Path:
    """Write down what went wrong, as lines for a shell, where the cloud's logs are."""
    path = cloud.state / "logs" / f"fuzz-{figures.seed}.txt"
    lines = [*(f"# {line}" for line in figures.lines()), "",
             *(failure.line(front) for failure in figures.failures),
             *(f"# restarted: {line}" for line in figures.restarts)]
    if figures.isolation is not None:
        lines += figures.isolation.leaks
    path.write_text("\n".join(lines) + "\n")
    return path


@dataclass
class Field:
    """Whom the calls are made as, and on what: alice's things are tried by all, and nobody but
    her and the admin may see them; the member whose calls are fuzzed is bob."""

    ground: attacks.Ground
    boss: attacks.Tenant
    alice: Stock
    bob: Stock
    cloudwide: Stock
    # What could not be made, and why: an endpoint is only tried on a thing that there is.
    lacking: list[str]

    @property
    def front(self) -> str:
        return self.ground.admin.front

    def line(self) -> Line:
        return Line(self.front, self.ground.admin.ca)


@contextlib.contextmanager
def field_on(cloud: Cloud, folder: Path) -> Iterator[Field]:
    """Two projects with things of every kind and an admin with a project of its own, on a cloud
    that has them no more afterwards."""
    with attacks.ground(cloud, folder) as ground:
        boss = attacks.settle(ground.admin, f"boss-{ground.run}", ("admin", "member"))
        for tenant in (ground.alice, ground.bob, boss):
            ground.admin.sdk.compute.update_quota_set(tenant.project, **QUOTA)
        alice, bob = (stock.member(each, ground.admin) for each in (ground.alice, ground.bob))
        cloudwide = stock.admin(boss)
        here = Field(ground, boss, alice, bob, cloudwide, [])
        try:
            for each in (alice, bob, cloudwide):
                here.lacking += [f"{each.marker}: {why}" for why in each.fill()]
            yield here
        finally:
            for each in (bob, alice, cloudwide):
                each.clear(ground.admin)
            attacks.clear(ground.admin, boss)
            ground.admin.sdk.identity.delete_user(boss.user)
            ground.admin.sdk.identity.delete_project(boss.project)
            boss.close()


class Fuzzer:
    """Makes calls until there were so many, or so many seconds are over."""

    def __init__(self, field_: Field, seed: int,
                 say: Callable[[str], None] = lambda _: None) -> None:
        self.field, self.say = field_, say
        self.figures = Figures(seed)
        self.targets = [each for each in endpoints.every()
                        if each.name not in LEFT_ALONE]
        self.figures.endpoints = len({each.name for each in self.targets})
        self.stocks = {MEMBER: field_.bob, ADMIN: field_.cloudwide}
        # A member also tries what is alice's; the admin what is bob's.
        self.others = {MEMBER: field_.alice, ADMIN: Bobs(field_)}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._tokens = {MEMBER: field_.ground.bob, ADMIN: field_.boss}
        self._renewed = 0.0

    def run(self, count: int, seconds: float = float("inf")) -> Figures:
        before = watch.processes(self.field.ground.cloud)
        begun = time.monotonic()
        threads = [threading.Thread(target=self._work, args=(count, begun + seconds))
                   for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.figures.elapsed = time.monotonic() - begun
        self.figures.restarts = watch.restarted(
            before, watch.processes(self.field.ground.cloud))
        return self.figures

    def _work(self, count: int, end: float) -> None:
        with contextlib.closing(self.field.line()) as line:
            self._calls(line, count, end)

    def _calls(self, line: Line, count: int, end: float) -> None:
        for done in itertools.count(1):
            with self._lock:
                number = next(self._numbers)
            if number > count or time.monotonic() > end:
                return
            self._one(line, number)
            if done % REFILL == 0:
                refused = self.field.bob.fill() + self.field.cloudwide.fill()
                with self._lock:
                    self.figures.refused.update(refused)
            if number % 5000 == 0:
                self.say(f"{number} calls, {len(self.figures.failures)} failures")

    def _one(self, line: Line, number: int) -> None:
        call = calls.make(self.figures.seed, number, self.targets, self.stocks, self.others)
        token = self._token(call.actor, number)
        question = call.question
        if token:
            question = replace(question, headers=question.headers | {"X-Auth-Token": token})
        answer = line.ask(question)
        if answer.status == 401 and call.actor != NOBODY and not call.target.public:
            self._renew(call.actor)
        self._note(replace(call, question=question), answer)

    def _token(self, actor: str, number: int) -> str:
        if actor == NOBODY:
            rng = Random(number)
            return rng.choice(("", "", "fuzz", "a" * 3000, uuid.UUID(int=number).hex))
        return self._tokens[actor].token

    def _renew(self, actor: str) -> None:
        """A token may have ended; not more often than now and then, most refusals are meant."""
        with self._lock:
            if time.monotonic() - self._renewed < 5:
                return
            self._renewed = time.monotonic()
        with contextlib.suppress(Exception):  # The next refusal tries again.
            self._tokens[actor].sdk.session.invalidate()

    def _note(self, call: Call, answer: Answer) -> None:
        figures, what = self.figures, self._judge(call, answer)
        with self._lock:
            figures.calls += 1
            figures.actors[call.actor] += 1
            figures.classes[f"{answer.status // 100}xx" if answer.status else "none"] += 1
            figures.seconds.append(answer.seconds)
            figures.reached.add(call.target.name)
            if 200 <= answer.status < 300:
                figures.taken.add(call.target.name)
            figures.busy += what == BUSY
            if what and what != BUSY:
                figures.failures.append(Failure(what, call, answer))
        if call.actor != NOBODY and answer.status in (200, 201, 202, 204, 404):
            self._keep(call, answer)

    def _judge(self, call: Call, answer: Answer) -> str:
        if answer.wrong:
            return answer.wrong
        if answer.status == 503 and "json" in answer.kind:
            return BUSY
        if answer.status >= 500:
            return str(answer.status)
        if call.actor != ADMIN and self.field.alice.marker.encode() in answer.body:
            return "leak: something of another project's"
        if answer.status >= 400 and answer.body and "json" not in answer.kind:
            return f"not JSON: {answer.status} {answer.kind}"
        return ""

    def _keep(self, call: Call, answer: Answer) -> None:
        """Remember what a call made, forget what it took away or found gone."""
        method, mine = call.target.endpoint.method, self.stocks[call.actor]
        if method == "DELETE" or answer.status == 404:
            kind = KIND_OF.get(call.target.path.rpartition("/")[0])
            for thing in call.things:
                if thing[0] == kind:
                    mine.remove(*thing)
                    self.field.bob.remove(*thing)
            return
        if method not in ("POST", "PUT") or call.target.endpoint.action:
            return
        collection = call.question.path.partition("?")[0]
        kind = KIND_OF.get(call.target.path)
        if kind is None:
            return
        with contextlib.suppress(ValueError):
            if id_ := stock.first_id(json.loads(answer.body)):
                mine.add(kind, id_, collection)


# Where a thing of a kind is made.
KIND_OF = {
    recipe.path.replace("{user}", "<user_id>").replace("{namespace}", "<namespace>"): recipe.kind
    for recipe in (*stock.MEMBERS, *stock.ADMINS, *stock.SHELVES) if recipe.method == "POST"
}


class Bobs(Stock):
    """Bob's things without himself: an admin who disables bob ends the fuzzing of a member."""

    KEPT = frozenset({"user", "project", "domain", "application_credential", "trust"})

    def __init__(self, field_: Field) -> None:
        self.bob = field_.bob

    def pick(self, kind: str, rng: Random) -> str | None:
        return None if kind in self.KEPT else self.bob.pick(kind, rng)
