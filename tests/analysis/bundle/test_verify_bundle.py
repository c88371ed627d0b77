"""A bundle stands as it was sealed, and falls with any byte; what is signed anew has to follow from the answers."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from analysis.bundle import memory
from analysis.bundle import seal as sealing
from analysis.bundle import verify as verification
from analysis.bundle.basis import Basis
from analysis.bundle.container import pack, unpack
from analysis.bundle.envelope import keyid_of
from analysis.bundle.recompute import recompute
from analysis.bundle.seal import ENVELOPE, seal
from analysis.bundle.verify import verify
from analysis.report.html import write_report
from probes.answer_table import answer_schema, row_of
from probes.errors import BundleError, EvidenceError
from probes.recording import load_recording, seal_recording


def test_a_bundle_stands(bundle: Path, key: Ed25519PrivateKey) -> None:
    found = verify(bundle, key.public_key())
    assert found.verdict.startswith("“candidate” descends from the ash family")
    assert found.statement.keyid == keyid_of(key.public_key())
    assert found.notes == (
        "references: none of 6 come with this kinprint; whoever signed chose them",
        "rules: other than this kinprint's in channels, kinship",
    )


def test_the_same_inputs_give_the_same_bytes(
    bundle: Path, folder: Path, key: Ed25519PrivateKey, tmp_path: Path
) -> None:
    seal(folder, key, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == bundle.read_bytes()


def test_it_holds_what_the_verdict_used_and_no_path_of_the_machine(bundle: Path, tmp_path: Path) -> None:
    names = unpack(bundle, tmp_path / "out")
    assert {name.split("/")[0] for name in names} == {
        *("envelope.json", "library", "recording", "report.html", "settings.json", "verdict.json"),
    }
    assert {name.split("/")[1] for name in names if name.startswith("library/")} == {
        "library.json",
        *(f"{family}-{technique}" for family in ("ash", "birch", "cedar") for technique in ("base", "noise")),
    }
    for name in names:
        assert str(tmp_path.parent.parent).encode() not in (tmp_path / "out" / name).read_bytes()


@given(st.data())
@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_changed_missing_or_added_byte_is_found(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: st.DataObject
) -> None:
    monkeypatch.setattr(verification, "recompute", never)  # a change has to be found before anything is read
    whole = bundle.read_bytes()
    edited = data.draw(edits(whole))
    assume(edited != whole)
    path = tmp_path / "edited.zip"
    path.write_bytes(edited)
    with pytest.raises(BundleError):
        verify(path)


def edits(whole: bytes) -> st.SearchStrategy[bytes]:
    """A bit flipped, bytes written over, put in, taken out, moved or doubled, or the end cut off or added to."""
    place = st.integers(0, len(whole) - 1)
    few = st.binary(min_size=1, max_size=9)
    return st.one_of(
        st.builds(lambda p, bit: whole[:p] + bytes([whole[p] ^ 1 << bit]) + whole[p + 1 :], place, st.integers(0, 7)),
        st.builds(lambda p, new: whole[:p] + new + whole[p + len(new) :], place, few),
        st.builds(lambda p, new: whole[:p] + new + whole[p:], place, few),
        st.builds(lambda p, n: whole[:p] + whole[p + n :], place, st.integers(1, 5000)),
        st.builds(lambda p, n, q: _moved(whole, p, n, q), place, st.integers(1, 5000), place),
        st.builds(lambda p, n: whole[: p + n] + whole[p:], place, st.integers(1, 5000)),
        st.builds(lambda p: whole[:p], place),
        st.builds(lambda new: whole + new, few),
    )


def _moved(whole: bytes, start: int, length: int, to: int) -> bytes:
    cut = whole[start : start + length]
    rest = whole[:start] + whole[start + length :]
    return rest[:to] + cut + rest[to:]


def never(*arguments: object) -> None:
    raise AssertionError("a change went unnoticed")


def swap(folder: Path) -> None:
    one, other = folder / "verdict.json", folder / "settings.json"
    (content,) = (one.read_bytes(),)
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda folder: (folder / "report.html").unlink(), "report.html is missing"),
        (lambda folder: (folder / "more.txt").write_bytes(b""), "more.txt was added"),
        (lambda folder: (folder / "verdict.json").write_bytes(b"{}"), "verdict.json was changed"),
        (swap, "was changed"),
    ],
)
def test_a_file_changed_and_packed_anew_is_found(
    change: Callable[[Path], object], said: str, bundle: Path, tmp_path: Path
) -> None:
    unpack(bundle, tmp_path / "out")
    change(tmp_path / "out")
    pack(tmp_path / "x.zip", tmp_path / "out")
    with pytest.raises(EvidenceError, match=said):
        verify(tmp_path / "x.zip")


def test_a_bundle_without_an_envelope_is_none(bundle: Path, tmp_path: Path) -> None:
    unpack(bundle, tmp_path / "out")
    (tmp_path / "out" / ENVELOPE).unlink()
    pack(tmp_path / "x.zip", tmp_path / "out")
    with pytest.raises(BundleError, match=r"no envelope\.json"):
        verify(tmp_path / "x.zip")


def edited(name: str, change: Callable[[Any], object]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        value = json.loads((folder / name).read_text("utf-8"))
        change(value)
        (folder / name).write_text(json.dumps(value), "utf-8")

    return edit


def more_sure(verdict: dict[str, Any]) -> None:
    verdict["posterior"]["ash"] += 0.002


def answers_damaged(folder: Path) -> None:
    recording = load_recording(folder / "recording")
    (folder / "recording" / "answers.parquet").write_bytes(b"PAR1")
    seal_recording(folder / "recording", recording.manifest, recording.suite)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (edited("verdict.json", more_sure), "posterior.ash comes out otherwise"),
        (edited("settings.json", lambda s: s["rules"].update(attributed_at=0.2)), "attributed_at"),
        (edited("settings.json", lambda s: s.update(schema=0)), "schema"),
        (edited("settings.json", lambda s: s["rules"].update(kinship="/etc/passwd")), "wrong kind"),
        (edited("settings.json", lambda s: s["rules"].update(doubt="x")), "wrong kind"),
        (edited("settings.json", lambda s: s["rules"].update(channels=5)), "where names belong"),
        (edited("settings.json", lambda s: s["library"].update(folder="..")), "no bundle has"),
        (edited("settings.json", lambda s: s["library"]["members"].append("x")), "has no 'x'"),
        (edited("settings.json", lambda s: s.pop("alpha")), "does not hold"),
        (answers_damaged, "can't be computed"),
        (lambda folder: (folder / "library" / "library.json").write_text("{", "utf-8"), "damaged"),
        (lambda folder: (folder / "settings.json").write_text("5", "utf-8"), "not a JSON object"),
        (lambda folder: (folder / "report.html").write_text("innocent", "utf-8"), "report.html is not what"),
    ],
)
def test_what_is_signed_has_to_follow(
    change: Callable[[Path], object], said: str, folder: Path, key: Ed25519PrivateKey, tmp_path: Path
) -> None:
    """The one who signs is the one who cheats."""
    change(folder)
    seal(folder, key, tmp_path / "x.zip")
    with pytest.raises(BundleError, match=said):
        verify(tmp_path / "x.zip", key.public_key())


def test_a_statement_that_says_otherwise_than_its_files_falls(
    folder: Path, key: Ed25519PrivateKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = sealing.summary
    monkeypatch.setattr(sealing, "summary", lambda *given: honest(*given) | {"verdict": {"decision": "unknown"}})
    seal(folder, key, tmp_path / "x.zip")
    with pytest.raises(EvidenceError, match="says otherwise of its verdict"):
        verify(tmp_path / "x.zip")


def test_other_versions_are_named_where_the_verdict_or_the_report_differs(
    folder: Path, key: Ed25519PrivateKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "made_by", lambda: {"kinprint": "0.0.7"})
    (folder / "report.html").write_text("as it was then", "utf-8")
    seal(folder, key, tmp_path / "report.zip")
    assert "report.html could not be checked" in verify(tmp_path / "report.zip").notes[-1]
    edited("verdict.json", more_sure)(folder)
    seal(folder, key, tmp_path / "verdict.zip")
    with pytest.raises(EvidenceError, match=r"made by other versions than those here, kinprint 0\.0\.7"):
        verify(tmp_path / "verdict.zip")


def test_invented_answers_stand_as_well(folder: Path, key: Ed25519PrivateKey, tmp_path: Path) -> None:
    """What a bundle does not prove, and the documentation says so."""
    recording = load_recording(folder / "recording")
    seal_recording(folder / "recording", replace(recording.manifest, queries=24), recording.suite)
    basis = Basis.of_entry(json.loads((folder / "settings.json").read_text("utf-8")))
    verdict, packed, library = recompute(folder, basis)
    verdict.save(folder / "verdict.json")
    write_report(verdict, packed, library, folder / "report.html")
    seal(folder, key, tmp_path / "x.zip")
    assert verify(tmp_path / "x.zip").statement.predicate["recording"]["queries"] == 24


def test_answers_that_swell_when_they_are_read_are_refused(
    folder: Path, key: Ed25519PrivateKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two gigabytes of text in two kilobytes: one word of a dictionary, two thousand times."""
    monkeypatch.setattr(memory, "ALLOWANCE", 1 << 28)
    recording = load_recording(folder / "recording")
    [first, *_] = recording.answers
    rows = pyarrow.Table.from_pylist([row_of(replace(first, draw=n)) for n in range(2000)], schema=answer_schema())
    place = rows.column_names.index("text")
    swollen = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * 2000, pyarrow.int32()), ["x" * 2**20])
    path = folder / "recording" / "answers.parquet"
    parquet.write_table(rows.set_column(place, "text", swollen), path, compression="zstd", store_schema=False)
    seal_recording(folder / "recording", recording.manifest, recording.suite)
    seal(folder, key, tmp_path / "x.zip")
    with pytest.raises(EvidenceError, match="can't be computed from what it holds"):
        verify(tmp_path / "x.zip")
