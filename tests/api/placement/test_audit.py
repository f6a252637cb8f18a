"""cairn-manage placement audit"""

from sqlalchemy import update

from cairn.placement.cli import audit
from cairn.placement.db.models import Inventory


def test_usages_are_made_what_is_allocated(placement, call, provider, claim, tmp_path, capsys):
    home = provider("one", stock={"VCPU": 10})
    claim({home: {"VCPU": 4}})
    conf = tmp_path / "placement-api.conf"
    conf.write_text(f"[database]\nurl = {placement.db.engine.url}\n")
    assert audit([], conf) == 0
    with placement.db.writing() as session:
        session.execute(update(Inventory).values(used=9))
    assert audit([], conf) == 1
    assert f"{home} VCPU: 9 is used, 4 is allocated" in capsys.readouterr().out
    assert audit(["--fix"], conf) == 0
    assert audit([], conf) == 0
    assert call("GET", f"/resource_providers/{home}/usages").json["usages"] == {"VCPU": 4}
    found = call("GET", "/allocation_candidates?resources=VCPU:6").json
    assert found["provider_summaries"][home]["resources"]["VCPU"]["used"] == 4
