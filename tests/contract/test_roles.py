"""A role and the code it deploys name the same processes, packs and settings."""

import dataclasses
import importlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from cairn.common.manage import COMPONENTS

ROOT = Path(__file__).parents[2]


def published(component: str, what: str) -> Any:
    defaults = yaml.safe_load((ROOT / "roles" / component / "defaults/main.yml").read_text())
    return defaults[f"{component}_{what}"]


def groups(process: dict[str, Any]) -> list[str]:
    group = process["group"]
    return sorted([group] if isinstance(group, str) else group)


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_role_runs_the_processes_its_component_has(component: str) -> None:
    processes = importlib.import_module(f"cairn.{component}.processes").PROCESSES
    declared = {
        name: (process.pack, process.pool, sorted(process.group.split(",")), process.mount,
               list(process.paths))
        for name, process in processes.items()
    }
    assert declared == {
        name: (process["pack"], process.get("pool", "api"), groups(process),
               process.get("mount", ""), process.get("paths", []))
        for name, process in published(component, "processes").items()
    }


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_process_may_know_exactly_the_sections_its_settings_have(component: str) -> None:
    processes = importlib.import_module(f"cairn.{component}.processes").PROCESSES
    for name, process in published(component, "processes").items():
        fields = {field.name for field in dataclasses.fields(processes[name].settings)}
        assert set(process["sections"]) == fields, name


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_role_sets_only_options_that_exist(component: str) -> None:
    processes = importlib.import_module(f"cairn.{component}.processes").PROCESSES
    options: dict[str, set[str]] = {}
    for process in processes.values():
        for field in dataclasses.fields(process.settings):
            section: Any = field.default_factory
            names = {option.name for option in dataclasses.fields(section)}
            options.setdefault(field.name, set()).update(names)
    for name, values in published(component, "settings").items():
        process, _, section = name.rpartition("/")
        assert section in options and (not process or process in processes), name
        if isinstance(values, dict):
            assert set(values) <= options[section], section


@pytest.mark.parametrize("component", COMPONENTS)
def test_no_agent_knows_the_database_or_a_signing_key(component: str) -> None:
    for name, process in published(component, "processes").items():
        if process["pack"] == "agent":
            assert not {"database", "tokens", "credentials"} & set(process["sections"]), name
