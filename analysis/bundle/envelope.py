"""A statement and its signature: an in-toto Statement v1 in a DSSE envelope, signed with Ed25519.

The signature covers the statement, and the statement names every file by its hash. The signer's public key stands in
the statement as well, so that the signature can be checked without a key at hand; whose key that is, it can't say. A
key is called by the SHA-256 of its public half (SubjectPublicKeyInfo, DER):
`openssl pkey -pubin -in KEY.pub -outform DER | sha256sum`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey

from analysis.bundle.canonical import canonical_json, parse_canonical
from probes.errors import BundleError, EvidenceError

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"


@dataclass(frozen=True)
class Subject:
    """A file that a statement is about: its name, the SHA-256 of its bytes in hex, and how many these are."""

    name: str
    sha256: str
    size: int

    def entry(self) -> dict[str, Any]:
        """As in-toto's ResourceDescriptor."""
        return {"name": self.name, "digest": {"sha256": self.sha256}, "annotations": {"bytes": self.size}}

    @classmethod
    def of_entry(cls, entry: Any, where: str) -> "Subject":
        """The inverse of `entry`. Raises BundleError if it says anything else."""
        try:
            found = cls(entry["name"], entry["digest"]["sha256"], entry["annotations"]["bytes"])
        except (KeyError, TypeError) as error:
            raise BundleError(f"{where} names a file without its SHA-256 or size") from error
        if found.entry() != entry or [type(value) for value in vars(found).values()] != [str, str, int]:
            raise BundleError(f"{where} says more of a file than its name, SHA-256 and size")
        return found


@dataclass(frozen=True)
class Statement:
    """What was signed, and by the key of which name."""

    subjects: tuple[Subject, ...]
    predicate: Mapping[str, Any]
    keyid: str


def keyid_of(key: Ed25519PublicKey) -> str:
    """The name of a key: 64 hex digits."""
    return sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def load_public_key(pem: bytes, where: str) -> Ed25519PublicKey:
    """The key in a PEM file. Raises BundleError if it holds no public Ed25519 key."""
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        private = ", but a private key: name the .pub file beside it" if b"PRIVATE KEY" in pem else ""
        raise BundleError(f"{where} holds no public key in PEM{private}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise BundleError(f"{where} holds a key of another kind than Ed25519; make one with 'kinprint key new'")
    return key


def sign(
    subjects: Sequence[Subject], predicate_type: str, predicate: Mapping[str, Any], key: Ed25519PrivateKey
) -> bytes:
    """The envelope, in canonical JSON: the same statement and key give the same bytes."""
    public = key.public_key()
    signer = {"keyid": keyid_of(public), "scheme": "ed25519", "public": public.public_bytes_raw().hex()}
    statement = {
        "_type": STATEMENT_TYPE,
        "subject": [one.entry() for one in subjects],
        "predicateType": predicate_type,
        "predicate": {**predicate, "signer": signer},
    }
    envelope = Envelope(canonical_json(statement), PAYLOAD_TYPE, {})
    envelope.sign(CryptoSigner(key, SSlibKey.from_crypto(public, keyid_of(public))))
    return canonical_json(envelope.to_dict())


def open_envelope(text: bytes, predicate_type: str, where: str, key: Ed25519PublicKey | None = None) -> Statement:
    """What an envelope says, once its signature has been checked: against `key`, or else against the key that it names.

    Raises BundleError if it is not one that `sign` makes, EvidenceError if the signature does not fit it or the key is
    another.
    """
    envelope = _parsed(text, where)
    statement = parse_canonical(envelope.payload, f"the statement in {where}")
    if set(statement) != {"_type", "subject", "predicateType", "predicate"} or statement["_type"] != STATEMENT_TYPE:
        raise BundleError(f"{where} holds no in-toto Statement v1")
    if statement["predicateType"] != predicate_type:
        raise BundleError(
            f"{where} is a statement of the kind {str(statement['predicateType'])[:80]!r}, not {predicate_type!r}; "
            "it is of another version of kinprint, or of another tool"
        )
    named = _signer(statement["predicate"], where)
    if key is not None and keyid_of(key) != keyid_of(named):
        raise EvidenceError(f"it was signed by the key {keyid_of(named)}, and the key given is {keyid_of(key)}")
    keyid = keyid_of(named)
    try:
        envelope.verify([SSlibKey.from_crypto(named, keyid)], 1)
    except VerificationError as error:
        raise EvidenceError(f"the signature in {where} does not fit what it should sign") from error
    subjects = statement["subject"]
    if not isinstance(subjects, list):
        raise BundleError(f"{where} lists no files")
    return Statement(tuple(Subject.of_entry(one, where) for one in subjects), statement["predicate"], keyid)


def _parsed(text: bytes, where: str) -> Envelope:
    """The envelope, with exactly one signature and nothing else."""
    value = parse_canonical(text, where)
    no_envelope = f"{where} is no DSSE envelope with one signature, or is not written in its canonical form"
    if set(value) != {"payload", "payloadType", "signatures"} or value["payloadType"] != PAYLOAD_TYPE:
        raise BundleError(no_envelope)
    signatures = value["signatures"]
    if not (isinstance(signatures, list) and len(signatures) == 1 and isinstance(signatures[0], dict)):
        raise BundleError(no_envelope)
    texts = [value["payload"], *signatures[0].values()]
    if set(signatures[0]) != {"keyid", "sig"} or not all(isinstance(one, str) for one in texts):
        raise BundleError(no_envelope)
    try:
        envelope = Envelope.from_dict(value)
    except ValueError as error:
        raise BundleError(no_envelope) from error
    if canonical_json(envelope.to_dict()) != text:  # base64 has several ways to write the same bytes
        raise BundleError(no_envelope)
    return envelope


def _signer(predicate: Any, where: str) -> Ed25519PublicKey:
    """The public key that a predicate names."""
    try:
        signer = dict(predicate["signer"])
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signer["public"]))
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"{where} does not name the key that signed it") from error
    expected = {"keyid": keyid_of(key), "scheme": "ed25519", "public": key.public_bytes_raw().hex()}
    if signer != expected:
        raise BundleError(f"{where} gives its key a wrong name, or another scheme than ed25519")
    return key
