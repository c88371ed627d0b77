"""What a recording keeps of its prompts' positions: rows, tokens and places that belong together, whatever happened."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from probes.answer import Answer
from probes.chosen_tokens import chosen_tokens
from probes.errors import KinprintError
from probes.manifest import Tier
from probes.recording import Recording, load_recording
from runners.backends.interface import Logits, Positions, Request
from tests.scripted_backend import SUITE, VOCABULARY, Scripted, failing, how, run, stop_at

LENGTHS = {asked.id: 2 + number for number, asked in enumerate(SUITE.canaries)}


@dataclass
class WithPositions(Scripted):
    """A scripted backend that keeps positions: the logits after token p of canary c are 10 c + p, for every token."""

    def keep_positions(self, positions: Positions, token_ids: npt.NDArray[np.int32]) -> None:
        self.kept, self.token_ids = positions, token_ids

    def position_logits(self) -> Logits | None:
        return self.rows

    def ask(self, requests: Sequence[Request], tier: Tier, top_k: int) -> Iterator[tuple[Answer, Logits | None]]:
        for answer, logits in super().ask(requests, tier, top_k):
            length, number = LENGTHS[answer.canary_id], int(answer.canary_id[2:])
            places = range(length)[-1:] if self.kept == "chosen" else range(length)
            rows = 10 * number + np.array(places, np.float32)[:, None] + 0 * self.token_ids[None].astype(np.float32)
            self.rows = rows if len(self.token_ids) else None
            logprobs = None if self.kept == "chosen" else (math.nan, *[-1.0] * (length - 1))
            yield replace(answer, prompt_tokens=length, prompt_logprobs=logprobs), logits


def rows_of(recording: Recording) -> list[tuple[int, int, float]]:
    arrays = recording.positions
    assert arrays is not None
    values = arrays["logits"][:, 0].tolist()
    return list(zip(arrays["canary_index"].tolist(), arrays["position"].tolist(), values, strict=True))


@pytest.mark.parametrize("tier", ["logits", "topk"])
def test_every_position_is_a_row_that_says_where_it_belongs(folder: Path, tier: Tier) -> None:
    recording = load_recording(run(WithPositions(), folder, how(tier, positions="every")).folder)
    assert rows_of(recording) == [(c, p, 10 * c + p) for c, n in enumerate(LENGTHS.values()) for p in range(n)]
    assert recording.positions is not None
    assert recording.positions["logits"].dtype == np.float16
    assert recording.positions["token_ids"].tolist() == chosen_tokens(VOCABULARY, 2048).tolist()
    assert sorted(recording.positions["token_bytes"].tobytes()) == sorted(b"ab")
    said = recording.manifest.access["positions"]
    assert (said["kept"], said["tokens"], said["prompt_logprobs"]) == ("every", 2, True)
    assert "sha256" in said["chosen"]


def test_named_tokens_are_kept_after_the_whole_prompt(folder: Path) -> None:
    sampling = how("topk", positions="chosen", chosen_tokens=(2, 0), logits_dtype="float32")
    recording = run(WithPositions(), folder, sampling)
    assert rows_of(recording) == [(c, n - 1, 10 * c + n - 1) for c, n in enumerate(LENGTHS.values())]
    assert recording.positions is not None
    assert recording.positions["token_ids"].tolist() == [2, 0]
    assert recording.positions["logits"].dtype == np.float32
    assert recording.manifest.access["positions"]["chosen"] == "as named"


def test_surprisal_alone_keeps_no_rows(folder: Path) -> None:
    recording = run(WithPositions(), folder, how("topk", positions="surprisal"))
    assert recording.positions is None
    first = recording.answers[0].prompt_logprobs
    assert first is not None
    assert math.isnan(first[0])
    assert first[1:] == (-1.0,)


def test_a_run_that_is_cut_short_goes_on_with_its_rows(folder: Path) -> None:
    sampling = how(positions="every")
    with pytest.raises(KeyboardInterrupt):
        run(WithPositions(stop_at("c-003", KeyboardInterrupt())), folder, sampling)
    again = WithPositions()
    rows = rows_of(run(again, folder, sampling))
    assert [asked for asked, _ in again.asked] == ["c-003", "c-004"]
    assert rows == [(c, p, 10 * c + p) for c, n in enumerate(LENGTHS.values()) for p in range(n)]
    assert {path.name for path in folder.iterdir()} == {
        *("manifest.json", "suite.jsonl", "answers.parquet", "logits.safetensors", "positions.safetensors")
    }


def test_a_failed_answer_has_no_rows(folder: Path) -> None:
    recording = run(WithPositions(failing("c-001")), folder, how(positions="every"))
    assert {place for place, _, _ in rows_of(recording)} == {0, 2, 3, 4}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tier": "text", "positions": "every"}, "needs tier logits or topk"),
        ({"positions": "all"}, "must be one of last, chosen, surprisal, every; it is 'all'"),
        ({"positions": "chosen", "chosen_tokens": (3,)}, "names token 3; the vocabulary ends at 2"),
        ({"positions": "chosen", "chosen_tokens": (-1,)}, "ids of tokens"),
        ({"position_tokens": 0}, "at least 1"),
    ],
)
def test_what_cannot_be_kept_is_refused(folder: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(KinprintError, match=said):
        run(WithPositions(), folder, how(**changes))
    assert not folder.exists()


def test_a_backend_that_keeps_no_positions_says_so(folder: Path) -> None:
    with pytest.raises(KinprintError, match=r"backend scripted keeps no positions .*tier.positions=last"):
        run(Scripted(), folder, how(positions="surprisal"))
