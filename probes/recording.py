"""A recording: a folder with everything asked of one model and everything it answered.

`manifest.json`, `suite.jsonl` (the canaries as asked), `answers.parquet` (one row a canary and draw) and, where
the access gave the whole vocabulary, `logits.safetensors`; a reduced recording has `reduced.safetensors` instead.
`positions.safetensors` is there where chosen tokens' logits were kept, of every position of a prompt or of its last.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote
from weakref import WeakValueDictionary

import numpy as np
import numpy.typing as npt

from probes.answer import GREEDY, STATUSES, Answer
from probes.answer_table import answer_of, answer_schema, is_answer_schema, row_of, write_answers
from probes.errors import RecordingError
from probes.manifest import Manifest
from probes.suite import Suite, load_suite
from probes.write_whole import write_whole

Arrays = Mapping[str, npt.NDArray[Any]]
Filter = list[tuple[str, str, Any]]
ANSWERS, SUITE, SUITES = "answers.parquet", "suite.jsonl", "suites"
LOGITS, REDUCED, POSITIONS = "logits.safetensors", "reduced.safetensors", "positions.safetensors"
_NOT_A_FOLDER = {SUITE, SUITES, "import.json", "library.json"}  # files that lie beside the folders of recordings
_SUITES: WeakValueDictionary[tuple[str, str], Suite] = WeakValueDictionary()
"""Suites in use, by their file's hash and their name: a library's recordings share few, and reading one takes long."""
_DAMAGED = "the recording is damaged or was edited; record it again"


def folder_name(candidate: str) -> str:
    """The folder for a candidate: its percent-encoded name (a hub id holds a slash). Never empty, `.` or `..`."""
    if not candidate:
        raise RecordingError("a candidate has an empty name; give it one")
    encoded = quote(candidate, safe=" ()+,=@~")
    return encoded.replace(".", "%2E") if encoded in _NOT_A_FOLDER or not encoded.strip(".") else encoded


@dataclass(frozen=True)
class Recording:
    """A recording on disk. `answers` and the arrays are read when first needed."""

    folder: Path
    manifest: Manifest
    suite: Suite

    @cached_property
    def answers(self) -> tuple[Answer, ...]:
        """Every answer, in the order of the suite, then by draw."""
        return self._answers()

    @cached_property
    def greedy(self) -> dict[str, Answer]:
        """The greedy answers that are of use, by canary id."""
        return {a.canary_id: a for a in self._answers([("draw", "==", GREEDY), ("status", "==", "ok")])}

    @cached_property
    def with_logprobs(self) -> dict[str, Answer]:
        """At tier `topk`, the usable answer that carries the logprobs of its first token, by canary id."""
        found = self.answers if self.manifest.tier == "topk" else ()
        return {a.canary_id: a for a in reversed(found) if a.topk_logprobs and a.status == "ok"}

    @cached_property
    def draws(self) -> dict[str, list[Answer]]:
        """The sampled answers that are of use, by canary id."""
        found: dict[str, list[Answer]] = {}
        for answer in self._answers([("draw", ">", GREEDY), ("status", "==", "ok")]):
            found.setdefault(answer.canary_id, []).append(answer)
        return found

    @cached_property
    def usable(self) -> frozenset[str]:
        """Ids of the canaries that have an answer of use, greedy or sampled."""
        return frozenset(self._table([("status", "==", "ok")], ["canary_id"])["canary_id"].unique().to_pylist())

    @cached_property
    def draw_texts(self) -> dict[str, list[str]]:
        """The texts of `draws`: far quicker to read, where there are many."""
        table = self._table([("draw", ">", GREEDY), ("status", "==", "ok")], ["canary_id", "text"])
        found: dict[str, list[str]] = {}
        for canary_id, text in zip(*(column.to_pylist() for column in table.columns), strict=True):
            if text is not None:
                found.setdefault(canary_id, []).append(text)
        return found

    def _answers(self, which: Filter | None = None) -> tuple[Answer, ...]:
        return tuple(answer_of(row) for row in self._table(which).to_pylist())

    def _table(self, which: Filter | None = None, columns: list[str] | None = None) -> Any:
        """Rows of the answers as a pyarrow table: only what is needed, for a recording may hold a million draws."""
        from pyarrow import ArrowException, parquet

        path = self._checked_answers
        try:
            return parquet.read_table(path, filters=which, columns=columns)
        except (ArrowException, OSError) as error:
            raise RecordingError(f"{path} can't be read; {_DAMAGED}") from error

    @cached_property
    def _checked_answers(self) -> Path:
        """The file of answers, once its columns are known to be right, and its rows to fit the suite."""
        from pyarrow import ArrowException, parquet

        path = self.folder / ANSWERS
        try:
            if not is_answer_schema(parquet.read_schema(path)):
                raise RecordingError(f"{path} has other columns than the answers of a recording; {_DAMAGED}")
            keys = parquet.read_table(path, columns=["canary_id", "draw", "status"])
        except (ArrowException, OSError) as error:
            raise RecordingError(f"{path} can't be read; {_DAMAGED}") from error
        for name, known in (("canary_id", self.suite.by_id), ("status", STATUSES)):
            if strange := [value for value in keys[name].unique().to_pylist() if value not in known]:
                raise RecordingError(f"{path} has an answer that fits no canary or status: {strange[0]!r}; {_DAMAGED}")
        if keys.group_by(["canary_id", "draw"]).aggregate([]).num_rows < keys.num_rows:
            raise RecordingError(f"{path} has two answers to one draw; {_DAMAGED}")
        return path

    @cached_property
    def logits(self) -> dict[str, npt.NDArray[Any]] | None:
        """`logits` [n, vocab_size] float, `token_bytes` uint8, `token_offsets` [vocab_size + 1]; None if not there."""
        return self._arrays(LOGITS)

    @cached_property
    def reduced(self) -> dict[str, npt.NDArray[Any]] | None:
        """The arrays of a reduced recording (see `analysis.signatures.reduction`), or None for a full one."""
        return self._arrays(REDUCED)

    @cached_property
    def positions(self) -> dict[str, npt.NDArray[Any]] | None:
        """Raw logits of chosen tokens at positions of the prompts, None if not there.

        `logits` [n, n_chosen] float, row by row the place in the suite `canary_index` [n] and the prompt position
        `position` [n] (0-based; the row is the distribution after that token); `token_ids` [n_chosen], and their
        spelling `token_bytes` uint8, `token_offsets` [n_chosen + 1].
        """
        return self._arrays(POSITIONS)

    def _arrays(self, name: str) -> dict[str, npt.NDArray[Any]] | None:
        if name not in self.manifest.files:
            return None
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            return dict(load_file(self.folder / name))
        except (SafetensorError, OSError) as error:
            raise RecordingError(f"{self.folder / name} can't be read; {_DAMAGED}") from error


def load_recording(folder: str | Path) -> Recording:
    """Open a recording and check every file against the hashes of its manifest.

    Raises RecordingError if it is missing, unfinished, of another version, corrupt or truncated.
    """
    folder = Path(folder)
    if not (folder / "manifest.json").is_file():
        raise RecordingError(_what_is_missing(folder))
    manifest = Manifest.from_json((folder / "manifest.json").read_bytes(), str(folder / "manifest.json"))
    if ANSWERS not in manifest.files:
        raise RecordingError(f"{folder / 'manifest.json'} does not list {ANSWERS}; {_DAMAGED}")
    for name, sha256 in manifest.files.items():
        path = folder / name
        if Path(name).name != name or not path.is_file():
            raise RecordingError(f"{path} is missing; {_DAMAGED}")
        if file_sha256(path) != sha256:
            raise RecordingError(f"{path} is not what its manifest says (sha256 differs); {_DAMAGED}")
    asked = folder / SUITE if SUITE in manifest.files else _shared_suite(folder, manifest.suite["sha256"])
    key = (file_sha256(asked), manifest.suite["name"])
    suite = _SUITES.get(key) or replace(load_suite(asked), name=key[1])
    _SUITES[key] = suite
    if suite.sha256 != manifest.suite["sha256"]:
        raise RecordingError(f"{asked} is not the suite that was asked; {_DAMAGED}")
    return Recording(folder, manifest, suite)


def _shared_suite(folder: Path, sha256: str) -> Path:
    """Where the suite lies that recordings of one library share."""
    path = folder.parent / SUITES / f"{Path(sha256).name}.jsonl"
    if not path.is_file():
        raise RecordingError(f"the suite of {folder} is missing: neither {SUITE} in it nor {path}; {_DAMAGED}")
    return path


def save_recording(
    folder: Path,
    manifest: Manifest,
    suite: Suite,
    answers: Sequence[Answer],
    arrays: Mapping[str, Arrays],
    kept: Sequence[str] = (),
    shared_suite: bool = False,
) -> Recording:
    """Write a recording; the manifest comes last and by a rename, so that a folder with one is whole.

    `arrays` maps a file name (`logits.safetensors`, ...) to the arrays that go in; `kept` names files that lie in the
    folder already and belong to the recording (raw responses). With `shared_suite`, the suite is written beside the
    folder, once for all recordings there.
    """
    import pyarrow
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    order = {canary.id: number for number, canary in enumerate(suite.canaries)}
    rows = [row_of(a) for a in sorted(answers, key=lambda a: (order[a.canary_id], a.draw))]
    write_answers(folder / ANSWERS, [pyarrow.Table.from_pylist(rows, schema=answer_schema())])
    for name, content in arrays.items():
        save_file({key: np.ascontiguousarray(value) for key, value in content.items()}, folder / name)
    return seal_recording(folder, manifest, suite, (*arrays, *kept), shared_suite)


def seal_recording(
    folder: Path, manifest: Manifest, suite: Suite, others: Sequence[str] = (), shared_suite: bool = False
) -> Recording:
    """Make a folder that holds answers (and `others`, files of arrays) a recording: suite, hashes, manifest last."""
    if shared_suite:
        shared = folder.parent / SUITES / f"{suite.sha256}.jsonl"
        shared.parent.mkdir(exist_ok=True)
        write_whole(shared, suite.to_jsonl())
    else:
        (folder / SUITE).write_text(suite.to_jsonl(), "utf-8", newline="\n")
    names = [*([] if shared_suite else [SUITE]), ANSWERS, *others]
    manifest = replace(manifest, files={name: file_sha256(folder / name) for name in names})
    write_whole(folder / "manifest.json", manifest.to_json())
    return Recording(folder, manifest, suite)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _what_is_missing(folder: Path) -> str:
    if not folder.exists():
        return f"there is no recording at {folder}; check the path, or make one with 'kinprint collect'"
    if (folder / "journal.jsonl").is_file():
        return f"the recording at {folder} is unfinished; run the same 'kinprint collect' again to finish it"
    return f"{folder} is not a recording (it has no manifest.json); name the folder that 'kinprint collect' wrote"
