"""The host's image cache: what it keeps is whole, and what it claims to be."""

import hashlib

import pytest

from cairn.common.context import Context
from cairn.nova.compute.errors import ImageBroken
from cairn.nova.compute.images import ImageCache

DATA = b"\0" * 4096


class Glance:
    """As much of requests.Response, and of what asks for one, as the cache uses."""

    def __init__(self, data):
        self.data, self.asked = data, 0

    def get(self, service, path, **options):
        self.asked += 1
        return self

    def iter_content(self, size):
        return iter((self.data[:100], self.data[100:]))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def image(checksum, disk_format="raw"):
    return {"id": "i", "disk_format": disk_format, "size": len(DATA), "checksum": checksum}


@pytest.fixture
def cache(tmp_path):
    return lambda data=DATA: ImageCache(tmp_path, Glance(data), "one")


@pytest.mark.parametrize("algorithm", ["sha512", "sha384", "sha256", "md5"])
def test_an_image_is_fetched_once_and_checked(cache, algorithm):
    kept = cache()
    wanted = image(hashlib.new(algorithm, DATA).hexdigest())
    assert kept.fetch(Context(), wanted) == kept.fetch(Context(), wanted)
    assert kept.fetch(Context(), wanted).read_bytes() == DATA
    assert kept.neighbours.asked == 1


@pytest.mark.parametrize(("data", "disk_format", "says"), [
    (DATA[:-1], "raw", "checksum"), (DATA, "qcow2", "content is raw")])
def test_one_that_lies_is_not_kept(cache, tmp_path, data, disk_format, says):
    wanted = image(hashlib.sha512(DATA).hexdigest(), disk_format)
    with pytest.raises(ImageBroken, match=says):
        cache(data).fetch(Context(), wanted)
    assert list(tmp_path.iterdir()) == []
