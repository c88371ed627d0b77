"""RFC 3161 timestamps, on one that OpenSSL made."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.bundle.timestamp import load_roots, read_timestamp
from probes.errors import BundleError, EvidenceError

DATA = Path(__file__).parents[2] / "data" / "timestamp"
PLAN, RESPONSE, ROOT = b"a plan\n", (DATA / "response.tsr").read_bytes(), (DATA / "root.pem").read_bytes()


def test_a_timestamp_says_when_and_by_whom_and_what_was_checked() -> None:
    found = read_timestamp(RESPONSE, PLAN)
    assert (found.time.isoformat(), found.authority) == ("2026-11-22T15:26:05+00:00", "CN=Made-up Timestamps")
    assert "signature was not checked" in found.in_words()
    trusted = read_timestamp(RESPONSE, PLAN, load_roots(ROOT, "root"))
    assert "leads to a root given" in trusted.in_words()


def test_a_timestamp_of_something_else_is_none_of_the_plan() -> None:
    with pytest.raises(EvidenceError, match="something else than the plan"):
        read_timestamp(RESPONSE, PLAN + b" ")


def test_a_root_that_did_not_certify_it_does_not_vouch_for_it() -> None:
    """The time with a digit changed: it fits the plan still, and the signature no longer."""
    later = RESPONSE.replace(b"20261122152605Z", b"20251122152605Z")
    assert later != RESPONSE
    assert read_timestamp(later, PLAN).time.year == 2025
    with pytest.raises(EvidenceError, match="no signature that leads to a root"):
        read_timestamp(later, PLAN, load_roots(ROOT, "root"))


@given(st.integers(0, len(RESPONSE) - 1), st.integers(0, 255), st.booleans())
@settings(max_examples=100)
def test_whatever_is_in_the_file_ends_in_one_sentence(place: int, value: int, cut: bool) -> None:
    edited = RESPONSE[:place] + bytes([value]) + b"" * cut + RESPONSE[place + 1 :] * (not cut)
    roots = load_roots(ROOT, "root")
    try:
        found = read_timestamp(edited, PLAN, roots)
    except BundleError:
        return
    assert found == read_timestamp(RESPONSE, PLAN, roots)


def test_what_holds_no_certificate_is_no_root() -> None:
    with pytest.raises(BundleError, match="no certificate"):
        load_roots(b"hello", "here")
