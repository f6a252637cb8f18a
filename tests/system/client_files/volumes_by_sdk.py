"""What an operator who uses openstacksdk writes of volumes: NAME; credentials as OS_*. What the
`openstack` command, which is written in it, does not come to."""

import sys

import openstack

[name] = sys.argv[1:]
cloud = openstack.connect()
storage = cloud.block_storage
project = cloud.current_project_id

volume = cloud.create_volume(1, name=name, wait=True)
storage.set_volume_metadata(volume, a="b", c="d")
storage.delete_volume_metadata(volume, ["a"])
assert storage.get_volume_metadata(volume).metadata == {"c": "d"}
storage.set_volume_image_metadata(volume, os_distro="cairn")
storage.delete_volume_image_metadata(volume, ["os_distro"])
storage.set_volume_bootable_status(volume, True)
storage.set_volume_readonly(volume, False)
cloud.set_volume_bootable(volume.id, False)
assert storage.find_volume(name, ignore_missing=False).id == volume.id
assert [found.id for found in storage.volumes(name=name)] == [volume.id]
print("volume")

storage.reserve_volume(volume)
storage.unreserve_volume(volume)
storage.attach_volume(volume, "/dev/vdb", host_name="aio")
storage.begin_volume_detaching(volume)
storage.abort_volume_detaching(volume)
[attachment] = storage.get_volume(volume).attachments
storage.detach_volume(volume, attachment["attachment_id"])
storage.wait_for_status(volume)
connector = {"host": "aio", "ip": "127.0.0.1", "initiator": "iqn.x:y"}
storage.reserve_volume(volume)
storage.init_volume_attachment(volume, connector)
storage.terminate_volume_attachment(volume, connector)
storage.unreserve_volume(volume)
print("connections")

snapshot = cloud.create_volume_snapshot(volume.id, name=name, wait=True)
storage.set_snapshot_metadata(snapshot, a="b", c="d")
storage.delete_snapshot_metadata(snapshot, ["a"])
assert storage.get_snapshot_metadata(snapshot).metadata == {"c": "d"}
storage.reset_snapshot_status(snapshot, "available")
backup = cloud.create_volume_backup(volume.id, name=name, snapshot_id=snapshot.id, wait=True)
storage.reset_backup_status(backup, "available")
assert storage.get_backup(backup).snapshot_id == snapshot.id
assert cloud.delete_volume_backup(backup.id, wait=True)
assert cloud.delete_volume_snapshot(snapshot.id, wait=True)
assert cloud.delete_volume(volume.id, wait=True)
print("copies")

type_ = storage.create_type(name=name, is_public=False)
storage.add_type_access(type_, project)
assert [access["project_id"] for access in storage.get_type_access(type_)] == [project]
storage.update_type_extra_specs(type_, a="b", c="d")
storage.delete_type_extra_specs(type_, ["a"])
assert storage.get_type(type_).extra_specs == {"c": "d"}
storage.create_type_encryption(type_, provider="luks", key_size=256)
assert storage.get_type_encryption(type_).provider == "luks"
storage.delete_type_encryption(volume_type=type_)
storage.set_default_type(project, type_)
assert storage.show_default_type(project).volume_type_id == type_.id
storage.unset_default_type(project)
storage.remove_type_access(type_, project)
storage.delete_type(type_)
print("types")

before = storage.get_quota_set(project).volumes
storage.update_quota_set(project, volumes=before + 1)
assert storage.get_quota_set(project, usage=True).usage["volumes"] == 0
storage.revert_quota_set(project)
assert storage.get_quota_set_defaults(project).volumes == before
assert storage.get_limits().absolute.max_total_volumes == before
assert {"SchedulerHints"} < {extension.name for extension in storage.extensions()}
assert [zone.name for zone in storage.availability_zones()] == ["nova"]
pool = next(storage.backend_pools())
assert storage.get_capabilities(pool.name.partition("#")[0]).storage_protocol
assert cloud.list_volumes() == []
print("limits")
