"""Names that differ by case or a blank are different names, on a real database as well."""

import dataclasses

import pytest

from cairn.glance.db.models import Base


@pytest.fixture
def glance(glance, mariadb):
    return dataclasses.replace(glance, db=mariadb(Base))


def test_images(call, make):
    ids = {name: make(name=name, tags=[name]) for name in ("web", "Web", "web ")}
    for name, id_ in ids.items():
        answer = call("GET", f"/v2/images?name={name.replace(' ', '%20')}")
        assert [image["id"] for image in answer.json["images"]] == [id_]
    # As upstream's, the filter takes blanks around a tag away.
    for tag, id_ in (("web%20", ids["web"]), ("Web", ids["Web"])):
        answer = call("GET", f"/v2/images?tag={tag}")
        assert [image["id"] for image in answer.json["images"]] == [id_]


def test_definitions(call):
    for name in ("Ours", "ours"):
        assert call("POST", "/v2/metadefs/namespaces", "admin",
                    json={"namespace": name}).status_code == 201
        for tag in ("t", "T"):
            assert call("POST", f"/v2/metadefs/namespaces/{name}/tags/{tag}",
                        "admin").status_code == 201
    assert call("DELETE", "/v2/metadefs/namespaces/Ours", "admin").status_code == 204
    assert call("GET", "/v2/metadefs/namespaces/ours", "admin").status_code == 200
