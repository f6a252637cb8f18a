"""What Python takes for a number and nobody else does is a 400, not a 500."""

import pytest

LONG = "9" * 5000


@pytest.mark.parametrize("text", ["\u00b2", LONG, "1_0", "\u0663", "+1", " 1", ""])
def test_a_number_is_digits(call, make, text):
    image_id = make()
    if text != "\u0663":  # No header has it.
        answer = call("PUT", f"/v2/images/{image_id}/file", data=b"x",
                      headers={"X-OpenStack-Image-Size": text},
                      content_type="application/octet-stream")
        assert answer.status_code == 400
    query = {"limit": text}
    assert call("GET", "/v2/images", query_string=query).status_code == 400
    assert call("GET", "/v2/tasks", "admin", query_string=query).status_code == 400
    assert call("GET", "/v2/images", query_string={"size_min": text}).status_code == 400


@pytest.mark.parametrize("part", [f"bytes={LONG}-", f"bytes=0-{LONG}", "bytes=\u00b2-"])
def test_a_range_too(call, make, upload, part):
    image_id = make()
    upload(image_id, b"bytes")
    assert call("GET", f"/v2/images/{image_id}/file",
                headers={"Range": part}).status_code == 416
