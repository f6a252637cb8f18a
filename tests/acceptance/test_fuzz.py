"""100,000 calls of every kind by everybody: nothing breaks, nothing hangs, nothing leaks.

    ./cairn test acceptance fuzz
    ./cairn test acceptance fuzz --name cairn --calls 5000 --seed 7
"""

import random

import pytest
from system.attacks import QUIET
from system.fuzz import isolation, run

pytestmark = [pytest.mark.lab, QUIET]


def test_no_call_breaks_hangs_or_leaks(cloud, request, tmp_path):
    option = request.config.getoption
    seed = option("--seed") if option("--seed") is not None else random.randrange(1 << 32)
    with run.field_on(cloud, tmp_path) as field:
        assert field.lacking == []
        print(f"\nseed {seed}", flush=True)
        matrix = isolation.matrix(field)
        fuzzer = run.Fuzzer(field, seed, lambda line: print(line, flush=True))
        figures = fuzzer.run(option("--calls"))
    figures.isolation = matrix
    kept = run.keep(figures, cloud, field.front)
    print(*figures.lines(), f"failures     {kept}", sep="\n", flush=True)
    assert figures.good, f"see {kept}"
