"""`kinprint probe`: what is asked, printed and kept, stopping, going on, and what is refused."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from probes.answer import Answer
from probes.manifest import Tier
from probes.recording import load_recording
from runners.backends.interface import Description, Logits, Request
from runners.cli import main
from runners.compose import settings_of
from runners.jobs import probe
from tests.made_up_zoo import write_zoo
from tests.recordings import VOCABULARY, MadeUp, greedy_answer, make_up, suite_of
from tests.scripted_backend import Scripted

NAME = "<b>candidate</b>\x1b[31m"


@dataclass
class Answering(Scripted):
    """Answers as a made-up model does; `stop` may raise before an answer."""

    made: MadeUp = field(default_factory=lambda: make_up(0, 50))
    stop: Callable[[int], None] = lambda number: None

    def describe(self) -> Description:
        return Description(self.model, {"name": "scripted"}, {"size": len(VOCABULARY)}, VOCABULARY, {"chat": True})

    def ask(self, requests: Sequence[Request], tier: Tier, top_k: int) -> Iterator[tuple[Answer, Logits | None]]:
        for request in requests:
            self.stop(len(self.asked))
            self.asked.append((request.canary.id, request.draw))
            place = int(request.canary.id[-3:])
            answer = greedy_answer(self.made, place, request.canary, tier, top_k)
            yield answer, self.made.logits[place] if tier == "logits" else None


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("probe")
    write_zoo(made / "zoo")
    (made / "suite.jsonl").write_text(suite_of(24).to_jsonl(), "utf-8")
    return made


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Answering:
    made = Answering()
    monkeypatch.setattr(probe, "construct", lambda *_, **__: made)
    return made


def words(folder: Path, out: Path, *more: str) -> list[str]:
    library = ["library=folder", f"library.path={folder / 'zoo'}", "suite=file", f"suite.path={folder / 'suite.jsonl'}"]
    named = ["candidate.model=m", f"candidate.name='{NAME}'", "tier=logits", "most=12", f"out={out}"]
    return ["probe", *library, *named, *more]


def saved(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "probe.json").read_text("utf-8"))
    return found


def test_it_stops_when_it_is_sure_and_goes_on_where_it_was_interrupted(
    folder: Path, backend: Answering, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, arguments = tmp_path / "run", words(folder, tmp_path / "run", "alpha=0.05")

    def interrupt(number: int) -> None:
        if number == 4:
            raise KeyboardInterrupt

    backend.stop = interrupt
    assert main(arguments) == 130
    assert (saved(out)["stopped_because"], saved(out)["queries"]) == ("interrupted", 4)
    backend.stop = lambda number: None
    assert main(arguments) == 0
    assert len(backend.asked) == len(set(backend.asked)) == 6  # nothing was asked twice, and no more than it took
    printed, _ = capsys.readouterr()
    assert "\x1b" not in printed
    lines = printed.splitlines()
    assert lines[-2].split("\t")[:2] == ["6", "moon"]
    assert "of the moon family" in lines[-1]
    found = saved(out)
    assert (found["decision"], found["named"], found["stopped_because"]) == ("attributed", "moon", "decided")
    assert len(load_recording(out).answers) == len(load_recording(out).suite) == found["queries"] == 6
    assert main(arguments) == 0  # a finished one is not asked again
    assert len(backend.asked) == 6


def test_its_recording_is_one_that_attribute_reads(folder: Path, backend: Answering, tmp_path: Path) -> None:
    assert main(words(folder, tmp_path / "run", "alpha=0.05")) == 0
    library = ["library=folder", f"library.path={folder / 'zoo'}", "estimator.min_canaries=6"]
    out = tmp_path / "verdict"
    assert main(["attribute", f"recording={tmp_path / 'run'}", *library, f"out={out}"]) == 0
    verdict = json.loads((out / "verdict.json").read_text("utf-8"))
    assert verdict["canaries"] == 6
    assert verdict["stopped_because"] == "decided"


def test_a_stranger_is_asked_until_the_budget_is_spent(folder: Path, backend: Answering, tmp_path: Path) -> None:
    backend.made = make_up(40, 1)
    backend.made.logits[:] = np.random.default_rng(9).normal(size=backend.made.logits.shape)
    assert main(words(folder, tmp_path / "run")) == 0
    found = saved(tmp_path / "run")
    assert found["decision"] in ("unknown", "inconclusive")
    assert (found["decision"] == "unknown") == (found["stopped_because"] == "decided")
    assert len(backend.asked) == found["queries"] <= 12


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["goal=guess"], "goal must be family or descent"),
        (["goal=descent"], "needs a parent=NAME"),
        (["goal=descent", "parent=nobody"], "no model 'nobody'"),
        (["goal=descent", "parent=sun", "tier=topk"], "needs tier=logits, or tier=chosen"),
        (["order=alphabetical"], "order must be one of informative, random"),
        (["batch=0"], "batch must be at least 1"),
        (["alpha=0.7"], "alpha must lie between"),
    ],
)
def test_mistakes_are_one_sentence(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], said: str
) -> None:
    assert main(words(folder, tmp_path / "run", *more)) == 2
    err = capsys.readouterr().err
    assert said in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("words", "order"),
    [([], "informative"), (["tier=text"], "informative"), (["tier=chosen"], "random"), (["order=random"], "random")],
)
def test_the_order_is_drawn_where_tokens_are_named(words: list[str], order: str) -> None:
    settings = settings_of("probe", probe.ProbeSettings, ["candidate.model=x", "out=x", *words])
    assert probe.probe_of(settings).how.order == order
