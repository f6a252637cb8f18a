"""Block devices of before they had rows are rows after the upgrade."""

from sqlalchemy import text

from cairn.common import migrate
from cairn.common.db import Database
from cairn.nova.core import block_devices

OLD = """[{"source": "image", "destination": "local", "image_id": "i", "volume_id": null,
"boot_index": 0, "size": null, "device": null, "device_type": null, "bus": null,
"delete_on_termination": true, "tag": null, "connection": null, "guest_format": null},
{"source": "blank", "destination": "local", "image_id": null, "volume_id": null,
"boot_index": -1, "size": 1, "device": null, "device_type": "disk", "bus": "virtio",
"delete_on_termination": true, "tag": "scratch", "connection": null, "guest_format": "ext4"}]"""


def test_they_are_carried_over(tmp_path):
    db = Database(f"sqlite:///{tmp_path}/nova.db")
    migrate.sync("nova", db, "0006")
    with db.engine.begin() as connection:
        columns = {row[1]: (row[2], row[3], row[4]) for row in connection.execute(
            text("pragma table_info(servers)"))}
        for number, devices in ((1, OLD), (2, "[]")):
            values = {"number": number, "id": f"vm{number}", "block_devices": devices,
                      "created_at": "2026-01-01 00:00:00.000000"}
            for name, (kind, required, default) in columns.items():
                if required and default is None:
                    values.setdefault(name, "[]" if kind == "JSON" else 0)
            names = ", ".join(values)
            connection.execute(text(f"insert into servers ({names}) values "
                                    f"({', '.join(':' + name for name in values)})"), values)
    assert migrate.sync("nova", db)
    with db.reading() as session:
        rows = block_devices.of(session, "vm1")
        assert block_devices.of(session, "vm2") == []
    assert [(r.source_type, r.image_id, r.boot_index, r.volume_size, r.tag, r.state)
            for r in rows] == [("image", "i", 0, None, None, "attached"),
                               ("blank", None, -1, 1, "scratch", "attached")]
    db.engine.dispose()
