"""Named tokens' logits through an API: found where the returned logprobs honour a bias, and only there."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.signatures.signature import signature
from probes.errors import CandidateError
from probes.recording import Recording, load_recording
from runners.api.custody import read_exchanges
from runners.backends import openai_api
from runners.cli import main
from tests.endpoint import NAME, refuse
from tests.logits_endpoint import UNLIKELY, VOCABULARY, LogitsEndpoint, logits_of, prompt_of
from tests.recordings import suite_of
from tests.runners.api.conftest import Collect

IDS = tuple(UNLIKELY)
NEGOTIATION, BY_BIAS = 7 + 4, 3 * 6  # as ever, and plain, by id, lifted, tilted; 18 tokens beside anchors, 3 a request


@pytest.fixture
def endpoint() -> LogitsEndpoint:
    return LogitsEndpoint()


@pytest.fixture(autouse=True)
def _tokenizer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_api, "tokenizer_bytes", lambda model, settings: VOCABULARY)


@pytest.fixture
def chosen(collect: Collect, endpoint: LogitsEndpoint) -> Any:
    """Asks for the unlikely tokens of three prompts; the endpoint is as the test says."""

    def run(limits: Any = None, tokenizer: str | None = "folder", **ways: Any) -> Recording:
        for name, value in ways.items():
            setattr(endpoint, name, value)
        asked = {"positions": "chosen", "chosen_tokens": IDS, "position_prompts": 3, "logits_dtype": "float32"}
        return collect(top_k=5, limits=limits, how=asked, tokenizer=tokenizer)

    return run


def found(recording: Recording) -> dict[str, Any]:
    said: dict[str, Any] = recording.manifest.access["negotiation"]["chosen_tokens"]
    return said


def named_in(body: dict[str, Any]) -> int:
    return len(body.get("logit_bias", ())) + len(body.get("logprob_token_ids", ()))


def check_against_truth(recording: Recording, endpoint: LogitsEndpoint) -> None:
    arrays = recording.positions
    assert arrays is not None
    assert arrays["token_ids"].tolist() == list(IDS)
    assert arrays["canary_index"].tolist() == [0, 2, 4]
    prompts = dict.fromkeys(prompt_of(body) for body in endpoint.asked if named_in(body) > 3)
    for text, place in zip(sorted(prompts), (0, 2, 4), strict=True):
        assert (recording.suite.canaries[place].text or "") in text
        row, truth = arrays["logits"][place // 2], logits_of(text)[list(IDS)]
        np.testing.assert_allclose(row - row.mean(), truth - truth.mean(), atol=1e-3)


@pytest.mark.parametrize("completions", [True, False])
def test_a_bias_that_is_honoured_shows_the_logits(chosen: Any, endpoint: LogitsEndpoint, completions: bool) -> None:
    endpoint.completions = completions
    recording = chosen(honours=True)
    said = "the returned logprobs honour a logit_bias of 100"
    assert found(recording) == {"name": "logit_bias", "width": 5, "bias": 100.0, "found": said}
    assert sum(named_in(body) > 3 for body in endpoint.asked) == BY_BIAS
    check_against_truth(recording, endpoint)


def test_tokens_are_asked_for_by_id_where_that_works(chosen: Any, endpoint: LogitsEndpoint) -> None:
    recording = chosen(by_id=True)
    assert found(recording)["name"] == "logprob_token_ids"
    check_against_truth(recording, endpoint)
    named = [place for place, body in enumerate(endpoint.asked) if named_in(body) == len(IDS)]
    assert named == list(range(len(endpoint.asked) - 3, len(endpoint.asked)))  # none beside a request for the likeliest


def test_a_bias_that_is_cut_is_found_to_be(chosen: Any, endpoint: LogitsEndpoint) -> None:
    recording = chosen(honours=True, largest=40.0)
    assert found(recording)["bias"] == 30.0
    check_against_truth(recording, endpoint)


@pytest.mark.parametrize(
    ("ways", "said"),
    [
        ({}, "a logit_bias does not show in the returned logprobs"),
        ({"refuses": True}, "a logit_bias is refused (HTTP 400: no such field)"),
        ({"honours": True, "shift": 7}, "brings other tokens into view than those meant: backend.tokenizer is not"),
        ({"by_id": True, "shift": 7}, "gives other tokens than those meant: backend.tokenizer is not the endpoint's"),
        ({"honours": True, "largest": 2.0}, "a logit_bias does not show"),
        ({"honours": True, "most_logprobs": 4}, "4 logprobs a request and 20 tokens are too few"),
        ({"honours": True, "think": "Hm.", "completions": False}, "the model reasons before it answers"),
        ({"honours": True, "tokenizer": None}, "name its tokenizer with backend.tokenizer"),
    ],
    ids=["ignored", "rejected", "wrong ids by bias", "wrong ids by id", "cut", "few", "reasoning", "no tokenizer"],
)
def test_where_they_can_not_be_had_all_else_is_recorded(
    chosen: Any, endpoint: LogitsEndpoint, ways: dict[str, Any], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint.strict = "most_logprobs" not in ways
    recording = chosen(**ways)
    assert said in found(recording)["found"]
    assert "name" not in found(recording)
    assert (recording.positions, recording.manifest.tier, recording.manifest.counts["ok"]) == (None, "topk", 6)
    assert "positions" not in recording.manifest.access
    [line] = [line for line in capsys.readouterr().err.splitlines() if said in line]
    assert line.endswith("all else is recorded")


@pytest.mark.parametrize("ways", [{"honours": True}, {"by_id": True}])
def test_every_query_is_counted_and_kept(
    chosen: Any, endpoint: LogitsEndpoint, ways: dict[str, Any], tmp_path: Path
) -> None:
    manifest = load_recording(chosen(**ways).folder).manifest
    kept = list(read_exchanges(tmp_path / "run"))
    assert manifest.queries == len(kept) == len(endpoint.asked)
    usage = [exchange.last.usage for exchange in kept if exchange.last is not None]
    assert manifest.prompt_tokens == sum(prompt or 0 for prompt, _ in usage)
    assert manifest.completion_tokens == sum(completion or 0 for _, completion in usage)


@pytest.mark.parametrize("missing", [1, 8])
def test_a_budget_holds_and_what_it_leaves_unasked_is_no_number(
    chosen: Any, endpoint: LogitsEndpoint, missing: int
) -> None:
    allowed = NEGOTIATION + 6 + BY_BIAS - missing
    recording = chosen(honours=True, limits={"requests": allowed})
    assert len(endpoint.asked) == allowed == recording.manifest.queries
    assert recording.manifest.counts["ok"] == 6
    rows = recording.positions["logits"] if recording.positions is not None else np.zeros((0, 20))
    assert np.isfinite(rows).all()
    assert 0 < rows.size < 3 * len(IDS)


def test_a_killed_run_asks_none_of_them_twice(chosen: Any, endpoint: LogitsEndpoint) -> None:
    endpoint.faults = lambda body, number: refuse(401, "no longer") if number == NEGOTIATION + 6 + 9 else None
    with pytest.raises(CandidateError, match="refuses to serve"):
        chosen(honours=True)
    check_against_truth(chosen(honours=True), endpoint)
    asked = [json.dumps(body) for body in endpoint.asked if named_in(body) > 3]
    assert len(asked) <= BY_BIAS + 4  # those in flight at the end of the first run


def test_channels_read_them_as_those_of_a_model_of_ones_own(chosen: Any) -> None:
    seen = signature(chosen(honours=True)).whole["keyhole"]
    assert seen["logits"].shape == (3, len(IDS))
    assert seen["ids"].tolist() == list(IDS)
    assert seen["vocabulary"][0] != 0


@pytest.mark.parametrize("positions", ["every", "surprisal"])
def test_what_no_api_shows_is_refused(collect: Collect, positions: str) -> None:
    with pytest.raises(CandidateError, match=r"keeps no positions of the prompt; take tier.positions=chosen or last"):
        collect(how={"positions": positions})


def test_the_dry_run_counts_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "suite.jsonl").write_text(suite_of(6).to_jsonl(), "utf-8")
    words = [f"suite.path={tmp_path}/suite.jsonl", "backend.base_url=http://127.0.0.1:1/v1", f"candidate.model={NAME}"]
    words += ["suite=file", "backend=openai_api", "dry_run=true", f"out={tmp_path}/out"]

    def at_most(*more: str) -> int:
        assert main(["collect", *words, *more]) == 0
        return int(capsys.readouterr().out.splitlines()[2].split("\t")[1])

    usual = at_most("tier=topk")
    chosen = at_most("tier=chosen", "tier.position_tokens=20", "tier.position_prompts=3", "backend.tokenizer=x")
    assert chosen == usual + 8 + 3 * 7  # finding the way, and 3 tokens a request at least
