"""One-time passcodes: RFC 6238's own examples."""

import base64

import pytest

from cairn.keystone.core import totp

SECRET = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(("moment", "code"), [
    (59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"),
    (2000000000, "279037"), (20000000000, "353130"),
])
def test_the_examples_of_the_rfc(moment, code):
    assert totp.window(SECRET, code, moment, 0) == moment // 30


def test_one_of_the_window_before_is_good_if_that_is_asked_for():
    assert totp.window(SECRET, "287082", 61, 0) is None
    assert totp.window(SECRET, "287082", 61, 1) == 1
    assert totp.window(SECRET, "287082", 91, 1) is None


@pytest.mark.parametrize("secret", ["not base32!", "1", "é"])
def test_a_secret_that_is_none_matches_nothing(secret):
    assert totp.window(secret, "000000", 59, 0) is None


def test_padding_spaces_and_case_do_not_matter():
    assert totp.window(SECRET.rstrip("=").lower() + " ", "287082", 59, 0) == 1
