from pathlib import Path

import pytest

from cairn.deploy import answers, knobs
from cairn.deploy.errors import Refused


def read(project: Path, text: str) -> dict[str, object]:
    file = project / "answers"
    file.write_text(text)
    return answers.read(file, knobs.every())


def test_every_knob_is_found_with_its_comment_type_and_default(project: Path) -> None:
    found = {knob.variable: knob for knob in knobs.every()}
    assert list(found) == [
        "cloud_region", "nova_virt_type", "nova_workers", "nova_debug", "nova_overcommit",
        "nova_filters", "nova_extra", "nova_url",
    ]
    assert found["cloud_region"].about == "Region of every endpoint."
    assert found["nova_virt_type"].about == "kvm or qemu.\nauto looks for itself."
    assert found["nova_virt_type"].choices == ("auto", "kvm", "qemu")
    assert found["nova_workers"].about == "How many workers."
    assert [knob.type for knob in found.values()] == [
        "str", "str", "int", "bool", "float", "list", "dict", "str",
    ]


def test_the_written_file_read_back_changes_nothing(project: Path) -> None:
    known = knobs.every()
    given = read(project, answers.render(known))
    assert answers.changes(given, known) == {}
    assert given["nova_filters"] == ["one", "two"]


def test_a_computed_default_is_shown_but_not_frozen(project: Path) -> None:
    text = answers.render(knobs.every())
    assert "# Default: https://{{ cloud_endpoint_host }}/compute\nCONFIG_NOVA_URL=\n" in text


def test_answers_become_values_of_the_right_type(project: Path) -> None:
    given = read(
        project,
        "[general]\n; old comment\nCONFIG_NOVA_WORKERS=4\nCONFIG_NOVA_DEBUG = yes\n"
        'CONFIG_NOVA_FILTERS=a, b\nCONFIG_NOVA_EXTRA={"x": {"y": 1}}\n'
        "CONFIG_NOVA_OVERCOMMIT=16\nCONFIG_CLOUD_REGION='North'\n",
    )
    assert given == {
        "nova_workers": 4, "nova_debug": True, "nova_filters": ["a", "b"],
        "nova_extra": {"x": {"y": 1}}, "nova_overcommit": 16.0, "cloud_region": "North",
    }


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("CONFIG_NOVA_WORKER=1", "no knob CONFIG_NOVA_WORKER; did you mean CONFIG_NOVA_WORKERS?"),
        ("CONFIG_XYZZY=1", "there is no knob CONFIG_XYZZY"),
        ("CONFIG___NOVA_PRIVATE=1", "there is no knob CONFIG___NOVA_PRIVATE"),
        ("CONFIG_CLOUD_NAME=x", "there is no knob CONFIG_CLOUD_NAME"),
        ("CONFIG_CLOUD_CONTROLLER=x", "there is no knob CONFIG_CLOUD_CONTROLLER"),
        ("CONFIG_NOVA_WORKERS=many", "CONFIG_NOVA_WORKERS is 'many', expected a whole number"),
        ("CONFIG_NOVA_DEBUG=perhaps", "expected y or n"),
        ("CONFIG_NOVA_VIRT_TYPE=xen", "expected one of auto, kvm, qemu"),
        ("CONFIG_NOVA_EXTRA=[1]", "expected JSON"),
        ("CONFIG_NOVA_OVERCOMMIT=lots", "expected a number"),
        ("hello", "line 1: not of the form CONFIG_NAME=value: hello"),
    ],
)
def test_what_is_wrong_is_refused_by_name(project: Path, line: str, says: str) -> None:
    with pytest.raises(Refused) as refused:
        read(project, line)
    assert says in refused.value.message
    assert refused.value.code == 2


def test_everything_wrong_is_told_at_once_with_its_line(project: Path) -> None:
    with pytest.raises(Refused) as refused:
        read(project, "CONFIG_A=1\n\nCONFIG_NOVA_WORKERS=x\nCONFIG_NOVA_WORKERS=1\n")
    assert "line 1:" in refused.value.message
    assert "line 3:" in refused.value.message
    assert "line 4: CONFIG_NOVA_WORKERS was given on line 3 already" in refused.value.message


def test_a_file_that_is_not_there_or_no_text_is_refused(project: Path) -> None:
    with pytest.raises(Refused, match="cannot read"):
        answers.read(project / "none", [])
    (project / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Refused, match="cannot read"):
        answers.read(project / "binary", [])


def test_somebodys_answers_are_not_overwritten(tmp_path: Path) -> None:
    answers.create(tmp_path / "mine", "one")
    with pytest.raises(Refused, match="File exists"):
        answers.create(tmp_path / "mine", "two")
    assert (tmp_path / "mine").read_text() == "one"


def test_the_real_roles_make_a_file_that_can_be_read_back(tmp_path: Path) -> None:
    known = knobs.every()
    file = tmp_path / "answers"
    answers.create(file, answers.render(known))
    assert answers.changes(answers.read(file, known), known) == {}
