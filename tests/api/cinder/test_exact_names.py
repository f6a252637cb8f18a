"""Names of types are compared exactly by MariaDB too, and so are the limits that have them."""

import pytest
from fakes.cinder import World

from cairn.cinder.db.models import Base


@pytest.fixture
def world(tmp_path, mariadb):
    return World(mariadb(Base), tmp_path)


def test_types_and_their_limits(world, call, create):
    longest = "x" * 255
    for name in ("gold", "Gold", longest):
        body = {"volume_type": {"name": name}}
        assert call("POST", "/types", body, who="admin").status_code == 200
        assert call("POST", "/types", body, who="admin").status_code == 409
    limits = {"volumes_gold": 0, "volumes_Gold": 1, f"gigabytes_{longest}": 2}
    assert call("PUT", "/os-quota-sets/red", {"quota_set": limits}, who="admin").status_code == 200
    shown = call("GET", "/os-quota-sets/red").json["quota_set"]
    assert limits.items() <= shown.items()
    for name, code in (("gold", 413), ("Gold", 202), (longest, 202)):
        assert create(volume_type=name).status_code == code
    for name, count in (("gold", 1), ("GOLD", 0)):
        assert len(call("GET", f"/types?name={name}").json["volume_types"]) == count
