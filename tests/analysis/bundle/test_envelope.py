"""The envelope: who signed what, and no second way to write it."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from analysis.bundle.canonical import canonical_json
from analysis.bundle.envelope import Subject, keyid_of, load_public_key, open_envelope, sign
from probes.errors import BundleError, EvidenceError

KIND = "urn:test:v1"
ENTRY = Subject("a", "ab" * 32, 3).entry()
SUBJECTS = (Subject("a", "ab" * 32, 3), Subject("b/c", "cd" * 32, 0))


@pytest.fixture
def envelope(key: Ed25519PrivateKey) -> bytes:
    return sign(SUBJECTS, KIND, {"said": [1, 2.5, "ü"]}, key)


def rewritten(change: Callable[[dict[str, Any]], None]) -> Callable[[bytes], bytes]:
    """The envelope with a change in it, in canonical form."""

    def edit(envelope: bytes) -> bytes:
        value = json.loads(envelope)
        change(value)
        return canonical_json(value)

    return edit


def restated(change: Callable[[dict[str, Any]], None]) -> Callable[[bytes], bytes]:
    """The envelope with a change in its statement, which nobody has signed."""

    def edit(envelope: bytes) -> bytes:
        value = json.loads(envelope)
        statement = json.loads(base64.b64decode(value["payload"]))
        change(statement)
        value["payload"] = base64.b64encode(canonical_json(statement)).decode()
        return canonical_json(value)

    return edit


def test_what_was_signed_is_what_is_read(envelope: bytes, key: Ed25519PrivateKey) -> None:
    for known in (None, key.public_key()):
        found = open_envelope(envelope, KIND, "here", known)
        assert found.subjects == SUBJECTS
        assert found.predicate["said"] == [1, 2.5, "ü"]
        assert found.keyid == keyid_of(key.public_key())
    assert sign(SUBJECTS, KIND, {"said": [1, 2.5, "ü"]}, key) == envelope


def test_it_is_dsse_to_the_letter(envelope: bytes, key: Ed25519PrivateKey) -> None:
    """Checked by hand, as docs/bundle.md says how: PAE of type and payload, Ed25519 over that."""
    value = json.loads(envelope)
    payload, kind = base64.b64decode(value["payload"]), value["payloadType"].encode()
    signed = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    key.public_key().verify(base64.b64decode(value["signatures"][0]["sig"]), signed)
    statement = json.loads(payload)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["subject"][0] == {"name": "a", "digest": {"sha256": "ab" * 32}, "annotations": {"bytes": 3}}


def test_another_key_is_not_the_one_that_signed(envelope: bytes) -> None:
    other = Ed25519PrivateKey.generate().public_key()
    with pytest.raises(EvidenceError, match=keyid_of(other)):
        open_envelope(envelope, KIND, "here", other)


def test_whoever_signs_anew_is_not_taken_for_the_first(envelope: bytes, key: Ed25519PrivateKey) -> None:
    """Nor by calling the key by the other's name, nor by leaving the other's key in the statement."""
    own = Ed25519PrivateKey.generate()
    forged = json.loads(sign(SUBJECTS, KIND, {}, own))
    forged["signatures"][0]["keyid"] = keyid_of(key.public_key())
    for known in (None, key.public_key()):
        with pytest.raises(EvidenceError):
            open_envelope(canonical_json(forged), KIND, "here", known)
    payload = json.loads(envelope)["payload"]
    with pytest.raises(EvidenceError):
        open_envelope(canonical_json({**forged, "payload": payload}), KIND, "here")


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: b"",
        lambda text: b"[]\n",
        lambda text: b"[" * 100_000,
        lambda text: text[:-1],
        lambda text: text + b" ",
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.replace(b'{"payload"', b'{"payload":"","payload"'),  # a key twice
        lambda text: json.dumps(json.loads(text), indent=1).encode(),
        rewritten(lambda value: value.update(more=1)),
        rewritten(lambda value: value.pop("signatures")),
        rewritten(lambda value: value.update(signatures=[])),
        rewritten(lambda value: value.update(signatures={})),
        rewritten(lambda value: value.update(signatures=[1])),
        rewritten(lambda value: value["signatures"].append({"keyid": "another", "sig": ""})),
        rewritten(lambda value: value["signatures"].append(value["signatures"][0])),
        rewritten(lambda value: value["signatures"][0].update(more="")),
        rewritten(lambda value: value["signatures"][0].update(sig=1)),
        rewritten(lambda value: value["signatures"][0].update(sig="!")),
        rewritten(lambda value: value["signatures"][0].update(sig=value["signatures"][0]["sig"].rstrip("="))),
        rewritten(lambda value: value["signatures"][0].update(sig="\n" + value["signatures"][0]["sig"])),
        rewritten(lambda value: value.update(payload=value["payload"] + "====")),
        rewritten(lambda value: value.update(payload=5)),
        rewritten(lambda value: value.update(payloadType="text/plain")),
        restated(lambda statement: statement.update(predicateType="urn:test:v0")),
        restated(lambda statement: statement.update(predicateType=None)),
        restated(lambda statement: statement.update(_type="https://in-toto.io/Statement/v0.1")),
        restated(lambda statement: statement.update(more=1)),
        restated(lambda statement: statement.update(predicate=[])),
        restated(lambda statement: statement["predicate"].pop("signer")),
        restated(lambda statement: statement["predicate"]["signer"].update(public="00")),
        restated(lambda statement: statement["predicate"]["signer"].update(keyid="00")),
        restated(lambda statement: statement["predicate"]["signer"].update(scheme="rsa")),
        restated(lambda statement: statement["predicate"].update(said=[])),
        restated(lambda statement: statement.update(subject={})),
        restated(lambda statement: statement["subject"].pop()),
        restated(lambda statement: statement["subject"][0].pop("digest")),
    ],
)
def test_nothing_else_is_read(edit: Callable[[bytes], bytes], envelope: bytes) -> None:
    assert edit(envelope) != envelope
    with pytest.raises(BundleError):
        open_envelope(edit(envelope), KIND, "here")


@pytest.mark.parametrize(
    "subject", [5, {"name": "a"}, {**ENTRY, "uri": "x"}, {**ENTRY, "digest": 5}, {**ENTRY, "name": 5}]
)
def test_a_file_is_named_with_hash_and_size_and_nothing_else(subject: Any) -> None:
    with pytest.raises(BundleError):
        Subject.of_entry(subject, "here")


def test_only_public_ed25519_keys_are_keys(key: Ed25519PrivateKey) -> None:
    rsa = generate_private_key(65537, 2048).public_key()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(BundleError, match="another kind"):
        load_public_key(rsa.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), "here")
    with pytest.raises(BundleError, match=r"private key: name the \.pub file"):
        load_public_key(private, "here")
    with pytest.raises(BundleError, match="no public key"):
        load_public_key(b"hello", "here")
