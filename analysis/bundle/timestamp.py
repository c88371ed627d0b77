"""An RFC 3161 timestamp on a plan: what a third party says about when it existed.

Checked always: the response was granted, and its imprint is the SHA-256 of the plan. Its signature, and whose that is,
can be checked only with the root certificate of an authority that the reader trusts; without one, time and name are
what the file says. Revocation, which needs the network, is never checked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from cryptography.x509 import Certificate, InvalidVersion, load_der_x509_certificate, load_pem_x509_certificates
from rfc3161_client import (
    PKIStatus,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from analysis.report.hostile import visible
from probes.errors import BundleError, EvidenceError

_SHA256 = "2.16.840.1.101.3.4.2.1"


@dataclass(frozen=True)
class Timestamp:
    """`authority` is the name in the certificate; `trusted`: its signature was checked, up to a root given."""

    time: datetime
    authority: str
    trusted: bool

    def in_words(self) -> str:
        """When and by whom, and how far that was checked."""
        how = (
            "its signature leads to a root given"
            if self.trusted
            else "whose signature was not checked: no roots= given"
        )
        return f"timestamped {self.time.isoformat()} by {visible(self.authority, 120)} ({how})"


def read_timestamp(response: bytes, plan: bytes, roots: Sequence[Certificate] = ()) -> Timestamp:
    """What a timestamp response says of a plan.

    Raises BundleError if it is no response, EvidenceError if it is of something else, was not granted, or has no
    signature that leads to one of the `roots`, where there are some.
    """
    try:
        found = decode_timestamp_response(response)
        imprint, time = found.tst_info.message_imprint, found.tst_info.gen_time
        authority = _signer(found).subject.rfc4514_string()
    except (ValueError, InvalidVersion) as error:
        raise BundleError("the timestamp is no RFC 3161 response (in DER) with its signer's certificate") from error
    if imprint.hash_algorithm.dotted_string != _SHA256 or imprint.message != sha256(plan).digest():
        raise EvidenceError("the timestamp is of something else than the plan (its imprint is not the plan's SHA-256)")
    if found.status != PKIStatus.GRANTED:
        raise EvidenceError("the timestamp was not granted")
    if roots:
        try:
            VerifierBuilder(roots=list(roots)).build().verify_message(found, plan)
        except (VerificationError, ValueError) as error:
            raise EvidenceError("the timestamp has no signature that leads to a root given") from error
    return Timestamp(time, authority, bool(roots))


def load_roots(pem: bytes, where: str) -> list[Certificate]:
    """Certificates in PEM. Raises BundleError if there are none."""
    try:
        return load_pem_x509_certificates(pem)
    except ValueError as error:
        raise BundleError(f"{where} holds no certificate in PEM") from error


def _signer(response: TimeStampResponse) -> Certificate:
    """The certificate that the response names as its signer's. Raises ValueError if it is not in it."""
    infos = list(response.signed_data.signer_infos)
    for certificate in map(load_der_x509_certificate, response.signed_data.certificates):
        if len(infos) == 1 and (certificate.issuer, certificate.serial_number) == (
            infos[0].issuer,
            infos[0].serial_number,
        ):
            return certificate
    raise ValueError("no certificate of the signer")
