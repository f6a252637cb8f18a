"""Every option has a default and a sentence; a name nobody declared is refused by name."""

import dataclasses
import importlib

import pytest

from cairn.common.manage import COMPONENTS
from cairn.common.settings import BadSetting, load

PROCESSES = {
    name: process for component in COMPONENTS
    for name, process in importlib.import_module(f"cairn.{component}.processes").PROCESSES.items()
}


@pytest.mark.parametrize("name", PROCESSES)
def test_every_option_has_its_sentence(name):
    for section in dataclasses.fields(PROCESSES[name].settings):
        for option in dataclasses.fields(section.default_factory):
            assert option.metadata["about"].endswith("."), f"[{section.name}] {option.name}"


@pytest.mark.parametrize(("text", "says"), [
    ("[databse]\n", "[databse]: no such section"),
    ("[messaging]\nhost = x\n", "[messaging] host: no such option"),
    ("[database]\npool_size = many\n", "[database] pool_size: invalid literal"),
])
def test_a_mistake_is_named_where_it_stands(tmp_path, text, says):
    path = tmp_path / "nova-api.conf"
    path.write_text(text)
    with pytest.raises(BadSetting) as refused:
        load(PROCESSES["nova-api"].settings, path)
    assert says in str(refused.value)
