"""What a deployed cloud costs, asked and unasked: ./cairn test acceptance benches

Prints figures to be compared, and judges none: how fast the machine is, is the machine's matter.
"""

import sys

import pytest
from system.clouds import run

BENCHES = {"deployed": [], "idle": ["120"]}


@pytest.mark.parametrize("name", BENCHES)
def test_it_has_figures(cloud, name):
    said = run(sys.executable, f"tests/bench/{name}.py", cloud.name, *BENCHES[name])
    print(f"\n{name}.py\n{said}", flush=True)
    assert any(char.isdigit() for char in said)
