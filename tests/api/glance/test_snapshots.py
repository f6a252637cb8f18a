"""Images that servers become: nova makes them as the user, the server's host sends the bytes."""


def test_a_host_fills_a_server_s_image_and_no_other(call, make, upload):
    snapshot, own = make(instance_uuid="a-server"), make()
    assert upload(snapshot, b"disk", who="nova").status_code == 204
    assert call("GET", f"/v2/images/{snapshot}").json["status"] == "active"
    assert upload(own, b"disk", who="nova").status_code == 403
    assert upload(snapshot, b"more", who="nova").status_code == 409


def test_another_project_s_member_does_not(make, upload):
    assert upload(make(instance_uuid="a-server"), b"disk", who="bob").status_code == 404
