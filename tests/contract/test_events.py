"""Whatever changes a resource says which event it records, in the words of upstream's events.

That it then does record it is checked at each request of each test (common/wsgi.py).
"""

import importlib
import re

import pytest

from cairn.common import events
from cairn.common.declared import declarations
from cairn.common.manage import COMPONENTS
from cairn.common.microversions import text

CHANGING = {"POST", "PUT", "PATCH", "DELETE"}
# The types of a component's events, as upstream names them (its notifications' documentation; ours
# where upstream has none): what they begin with, and how they end.
VERBS = {
    "cinder": r"(volume|snapshot|backup|group|group_snapshot|volume_type|volume_type_project|"
              r"volume_type_extra_specs|volume_type_encryption|default_type|qos_specs|group_type|"
              r"transfer|quota|quota_class|service|message|scheduler|cluster)(\.\w+)+",
    "keystone": r"identity\.[\w:-]+\.(created|updated|deleted|disabled|authenticate|\w+)",
    "placement": r"(resource_provider|inventory|allocation|resource_class|trait)"
                 r"(\.(aggregates|traits))?\.(create|update|delete)",
    "glance": r"(image|task|metadef_\w+|cache)(\.\w+)*\.\w+",
    "nova": r"(compute\.instance|keypair|flavor|aggregate|servergroup|server_group|service|quota"
            r"|libvirt|compute\.libvirt)(\.\w+)+"
            # One request, and it is the cloud's settings that say which of two events it is.
            r"|compute\.instance",
    "neutron": r"[a-z0-9_]+(\.[a-z_]+)*\.(create|update|delete|add|remove)",
}


def changing():
    for declared in declarations():
        if declared.endpoint.method in CHANGING:
            yield declared.component, declared.endpoint


def named(component, endpoint):
    return " ".join(filter(None, (component, endpoint.method, endpoint.path, endpoint.action,
                                  endpoint.since and text(endpoint.since))))


def silent(component):
    return [named(c, e) for c, e in changing()
            if c == component and not e.event and not e.changes_nothing]


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_changing_endpoint_declares_its_event(component):
    assert silent(component) == []


@pytest.mark.parametrize("component", COMPONENTS)
def test_types_are_upstreams(component):
    wrong = [f"{named(c, e)}: {e.event}" for c, e in changing()
             if c == component and e.event and not re.fullmatch(VERBS[component], e.event)]
    assert not wrong
    # Those come with what is recorded: the same declaration may begin late work or do it all.
    ends = [named(c, e) for c, e in changing()
            if c == component and e.event and e.event.endswith((".start", ".end", ".error"))]
    assert not ends


@pytest.mark.parametrize("component", COMPONENTS)
def test_versions_of_one_endpoint_record_one_event(component):
    types = {}
    for owner, endpoint in changing():
        if owner == component and endpoint.event:
            types.setdefault((endpoint.method, endpoint.path, endpoint.action), set()).add(
                endpoint.event)
    # A path's later versions may mean another thing: to rename a class, or to have it.
    assert {key: found for key, found in types.items() if len(found) > 1}.keys() <= {
        ("PUT", "/resource_classes/<name>", None)}


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_component_that_records_has_the_tables(component):
    models = importlib.import_module(f"cairn.{component}.db.models")
    assert issubclass(models.Event, events.EventRow)
    assert issubclass(models.EventReader, events.EventReaderRow)


def test_reasons_are_given_in_words():
    assert all(len(e.changes_nothing.split()) > 1 for _, e in changing() if e.changes_nothing)
