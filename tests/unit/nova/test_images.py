"""The host's image cache: what it keeps is whole, and what it claims to be; and what goes."""

import hashlib
import os
import shutil
import struct
import time

import pytest

from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.nova.compute.images import GRACE, ImageCache
from cairn.nova.compute.precache import Precache
from cairn.nova.drivers.files import backing_file
from cairn.nova.errors import ImageBroken, ImageChanged

DATA = b"\0" * 4096
ONE, OTHER = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
SERVER = "33333333-3333-4333-8333-333333333333"


class Glance:
    """Stands for Transfers."""

    def __init__(self, data):
        self.data, self.asked = data, 0

    def download(self, ctx, server_id, purpose="read"):
        self.asked += 1
        yield self.data[:100]
        yield self.data[100:]


def spec(checksum, disk_format="raw", image_id=ONE):
    return {"id": SERVER, "image": {"id": image_id, "disk_format": disk_format,
                                    "size": len(DATA), "checksum": checksum}}


def sha512(data=DATA):
    return hashlib.sha512(data).hexdigest()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "_base"


@pytest.fixture
def cache(folder):
    return lambda data=DATA: ImageCache(folder, Glance(data), "one")


def fetched(cache, image_id=ONE, days=0.0, data=DATA):
    """A cached image that was last asked for so long ago."""
    path = cache(data).fetch(Context(), spec(sha512(data), image_id=image_id))
    then = time.time() - GRACE - days * 86400
    os.utime(path, (then, then))
    return path


def lay_upon(base, folder):
    """A server's disk on top of that file, as far as a header goes."""
    folder.mkdir(exist_ok=True)
    name = os.fsencode(base)
    (folder / "disk").write_bytes(
        struct.pack(">4sIQI", b"QFI\xfb", 3, 512, len(name)).ljust(512, b"\0") + name)


@pytest.mark.parametrize("algorithm", ["sha512", "sha384", "sha256", "md5"])
def test_an_image_is_fetched_once_and_checked(cache, algorithm):
    kept = cache()
    wanted = spec(hashlib.new(algorithm, DATA).hexdigest())
    assert kept.fetch(Context(), wanted) == kept.fetch(Context(), wanted)
    assert kept.fetch(Context(), wanted).read_bytes() == DATA
    assert kept.transfers.asked == 1
    assert kept.has(wanted["image"])


def test_one_without_a_checksum_is_fetched_once(cache):
    kept = cache()
    assert kept.fetch(Context(), spec("")) == kept.fetch(Context(), spec(""))
    assert kept.fetch(Context(), spec("")).name == f"{ONE}.{sha512()}"
    assert kept.transfers.asked == 1


@pytest.mark.parametrize(("data", "disk_format", "error", "says"), [
    (DATA[:-1], "raw", ImageChanged, "checksum"), (DATA, "qcow2", ImageBroken, "content is raw")])
def test_one_that_lies_is_not_kept(cache, folder, data, disk_format, error, says):
    with pytest.raises(error, match=says):
        cache(data).fetch(Context(), spec(sha512(), disk_format))
    assert list(folder.iterdir()) == []


def test_another_image_that_is_said_to_hold_the_same_is_not_taken_for_it(cache):
    """Whoever says of an image of his that it has a stranger's hash gets his own bytes looked at,
    and not the stranger's."""
    cache().fetch(Context(), spec(sha512()))
    mine = cache(b"mine")
    wanted = spec(sha512(), image_id=OTHER)
    assert not mine.has(wanted["image"])
    with pytest.raises(ImageChanged):
        mine.fetch(Context(), wanted)


@pytest.mark.parametrize(("image_id", "checksum", "error"), [
    ("../../etc", "", Invalid), (ONE, "../x", ImageBroken), (ONE, "g" * 64, ImageBroken),
    ("/etc/passwd", "", Invalid),
])
def test_names_are_looked_at_before_they_are_paths(cache, folder, image_id, checksum, error):
    with pytest.raises(error):
        cache().fetch(Context(), spec(checksum, image_id=image_id))


def test_guests_may_read_it_and_not_write(cache):
    path = cache().fetch(Context(), spec(sha512()))
    assert path.stat().st_mode & 0o777 == 0o444
    assert path.parent.stat().st_mode & 0o777 == 0o711


def test_what_was_given_to_guests_is_taken_back_at_the_start(cache, folder):
    path = cache().fetch(Context(), spec(sha512()))
    path.chmod(0o666)
    (folder / "half.part").write_bytes(b"")
    cache().sweep()
    assert path.stat().st_mode & 0o777 == 0o444
    assert not (folder / "half.part").exists()


class TestAge:
    def test_what_nobody_asked_for_goes(self, cache):
        old, young = fetched(cache, days=2), fetched(cache, OTHER, days=0.1)
        cache().age(86400, 1 << 40)
        assert (old.exists(), young.exists()) == (False, True)

    def test_what_a_disk_lies_upon_stays(self, cache, folder):
        path = fetched(cache, days=900)
        lay_upon(path, folder.parent / SERVER)
        assert backing_file(folder.parent / SERVER / "disk") == path
        cache().age(0, 0)
        assert path.exists()
        shutil.rmtree(folder.parent / SERVER)
        cache().age(0, 0)
        assert not path.exists()

    def test_the_oldest_goes_when_there_is_too_much(self, cache):
        data = os.urandom(1 << 20)
        old, young = fetched(cache, days=2, data=data), fetched(cache, OTHER, days=1, data=data)
        cache().age(1e9, 1 << 20)
        assert (old.exists(), young.exists()) == (False, True)

    def test_what_was_just_asked_for_stays_whatever_its_size(self, cache):
        path = cache().fetch(Context(), spec(sha512()))
        cache().age(0, 0)
        assert path.exists()

    def test_what_is_asked_for_meanwhile_stays(self, cache, monkeypatch):
        path = fetched(cache, days=2)
        kept = cache()
        remove = kept._remove

        def asked_first(path):
            kept.fetch(Context(), spec(sha512()))
            return remove(path)

        monkeypatch.setattr(kept, "_remove", asked_first)
        kept.age(0, 0)
        assert path.exists()

    def test_it_says_how_much_there_is(self, cache, caplog):
        fetched(cache, days=2)
        with caplog.at_level("INFO"):
            cache().age(86400, 0)
        assert "1 idle" in caplog.text


def loan(image_id=ONE):
    return {"image_id": image_id, "url": f"https://images/{image_id}", "token": "t"}


def test_an_image_is_there_before_a_server_asks_for_it(cache, caplog):
    kept = cache()
    caplog.set_level("INFO")
    image, lent = spec(sha512())["image"], []
    early = Precache(kept, lambda loan: lent.append(loan) or Glance(DATA))
    for _ in range(2):
        early.fetch(Context(), image, loan())
    assert lent == [loan()] * 2
    assert kept.fetch(Context(), spec(sha512())).read_bytes() == DATA
    assert kept.transfers.asked == 0
    assert f"image {ONE} is cached already" in caplog.text


def test_an_image_that_is_not_what_it_is_said_to_be_keeps_no_other_from_the_cache(cache, caplog):
    kept = cache()
    early = Precache(kept, lambda loan: Glance(DATA))
    early.add(Context(), spec(sha512(b"other"))["image"], loan())
    early.add(Context(), spec(sha512(), image_id=OTHER)["image"], loan(OTHER))
    early.stop()
    early._loop()
    assert f"image {ONE} is not cached" in caplog.text
    assert not kept.has(spec(sha512(b"other"))["image"])
    assert kept.has(spec(sha512(), image_id=OTHER)["image"])
