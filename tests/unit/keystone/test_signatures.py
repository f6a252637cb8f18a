"""Signatures: against AWS's own example, and against the signer that clients use."""

import hashlib

import pytest
from keystoneclient.contrib.ec2.utils import Ec2Signer

from cairn.keystone.core import signatures

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
NOTHING = hashlib.sha256(b"").hexdigest()
CREDENTIAL = "AKIDEXAMPLE/20150830/us-east-1/service/aws4_request"


def test_the_plain_example_of_version_4():
    given = {"verb": "GET", "path": "/", "params": {}, "body_hash": NOTHING, "headers": {
        "Host": "example.amazonaws.com", "X-Amz-Date": "20150830T123600Z",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={CREDENTIAL}, "
                         "SignedHeaders=host;x-amz-date, Signature=x",
    }}
    assert signatures.request(SECRET, given, "example.amazonaws.com") == (
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    )


@pytest.mark.parametrize("given", [
    {"params": {"SignatureVersion": "1", "Action": "x", "b": "2", "A": "1"}},
    {"verb": "GET", "host": "cloud:8000", "path": "/services/Cloud",
     "params": {"SignatureVersion": "2", "Action": "Describe", "Filter.1": "a b/c~é",
                "Timestamp": "2026-01-01T00:00:00Z", "SignatureMethod": "HmacSHA256"}},
    {"verb": "GET", "host": "cloud", "path": "/", "body_hash": NOTHING,
     "headers": {"host": "cloud"},
     "params": {"X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Credential": CREDENTIAL,
                "X-Amz-Date": "20150830T123600Z", "X-Amz-SignedHeaders": "host", "Action": "x"}},
    {"verb": "POST", "host": "cloud", "path": "/", "body_hash": "abc", "params": {"Action": "x"},
     "headers": {"host": "cloud", "x-amz-date": "20150830T123600Z", "X-Amz-Date":
                 "20150830T123600Z", "Authorization": f"AWS4-HMAC-SHA256 Credential={CREDENTIAL},"
                 "SignedHeaders=host;x-amz-date,Signature=x"}},
])
def test_as_the_clients_signer(given):
    whole = {"verb": "GET", "host": "", "path": "/", "headers": {}, "body_hash": "", **given}
    assert signatures.request(SECRET, given, given.get("host", "")) == (
        Ec2Signer(SECRET).generate(whole)
    )


@pytest.mark.parametrize("given", [
    {}, {"params": {"SignatureVersion": "0"}}, {"params": {"SignatureVersion": "9"}},
    {"headers": {"Authorization": "AWS4-HMAC-SHA256 nonsense"}},
    {"headers": {"X-Amz-Date": "20200101T000000Z", "Authorization":
                 f"AWS4-HMAC-SHA256 Credential={CREDENTIAL}, SignedHeaders=host, Signature=x"}},
])
def test_what_cannot_be_checked(given):
    with pytest.raises(ValueError):
        signatures.request(SECRET, given, "cloud")


@pytest.mark.parametrize("text", [
    b"AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/s3\nabc",
    b"AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/ec2/aws4_request\nabc",
    b"AWS4-HMAC-SHA512\n\n\n",
])
def test_what_no_object_store_signs(text):
    with pytest.raises(ValueError):
        signatures.string(SECRET, text)
