"""What is accepted as an id or a tag is addressable afterwards."""

from urllib.parse import quote

import pytest

REFUSED = ["a/b", ".", "..", "a\nb", ""]
ACCEPTED = ["a b", "a?b", "a#b", "\u00e9t\u00e9", "a%2Fb", "...", "a.b"]


@pytest.mark.parametrize("id_", REFUSED, ids=range(len(REFUSED)))
def test_what_no_path_leads_to_is_refused(admin, id_):
    if id_:  # A region without an id is given one.
        assert admin("POST", "/regions", {"region": {"id": id_}}).status_code == 400
    tagged = {"project": {"name": "tagged", "tags": [id_]}}
    assert admin("POST", "/projects", tagged).status_code == 400


@pytest.mark.parametrize("id_", ACCEPTED, ids=range(len(ACCEPTED)))
def test_what_is_accepted_is_found_and_taken_away(admin, id_):
    made = admin.make("projects", name="tagged", tags=[id_])
    admin.make("regions", id=id_)
    for path in (f"/regions/{quote(id_, safe='')}",
                 f"/projects/{made['id']}/tags/{quote(id_, safe='')}"):
        assert admin("GET", path).status_code in (200, 204)
        assert admin("DELETE", path).status_code == 204
        assert admin("GET", path).status_code == 404
