"""Every case composes at both scales, and says what it would do before it does any of it."""

from importlib.resources import files
from pathlib import Path

import pytest

from analysis.accusation import CONCLUSIONS
from probes.errors import KinprintError
from runners.bench.cases import CASES
from runners.cases.settings import CaseSettings
from runners.cli import main
from runners.compose import settings_of
from runners.zoo.made import zoo_members
from runners.zoo.models import CATALOGUE

EXPERIMENTS = sorted(Path(str(one)).stem for one in files("configs").joinpath("experiment").iterdir() if one.is_file())


def case_of(experiment: str, *overrides: str) -> CaseSettings:
    return settings_of("case", CaseSettings, [f"experiment={experiment}", *overrides])


def test_every_case_is_benchmarked() -> None:
    assert sorted(CASES) == EXPERIMENTS


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_what_a_case_expects_can_come_out_and_its_models_are_of_the_zoo(experiment: str) -> None:
    case = case_of(experiment, "scale=small")
    for suspect in case.small.suspects.values():
        assert suspect.expected in CONCLUSIONS
        for name in (suspect.model, suspect.parent):
            assert str(name).removeprefix("zoo:") in {*zoo_members(), *CATALOGUE}
    assert case.small.suspects or (case.shell is not None and set(case.shell.models) <= set(CATALOGUE))
    for suspect in case.full.suspects.values():
        assert suspect.expected in (None, *CONCLUSIONS)
        assert suspect.model is not None or suspect.note, "nobody learns why there is no model"
        assert suspect.parent is None or suspect.parent in case.full.references


@pytest.mark.parametrize("scale", ["full", "small"])
def test_the_dry_run_says_whom_and_what_follows_and_touches_nothing(
    scale: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KINPRINT_CACHE", str(tmp_path / "cache"))
    overrides = ["experiment=kimi_dev", f"scale={scale}", "dry_run=true", f"out={tmp_path / 'out'}"]
    assert main(["case", *overrides]) == 0
    said = capsys.readouterr().out
    rows = {line.split("\t")[0]: line.split("\t") for line in said.splitlines() if "\t" in line}
    if scale == "full":
        assert rows["kimi-dev-72b"][1:5] == ["moonshotai/Kimi-Dev-72B", "suspect, of qwen2.5-72b", "577", "145"]
        assert "tensor_parallel_size=4" in rows["kimi-dev-72b"][5]
        assert rows["qwen2.5-72b"][2] == "reference"
    else:
        assert rows["coder"][1:4] == ["zoo:qwen2.5-coder-code", "suspect, of qwen2.5-coder", "297"]
    steps = [line.partition(". ")[2].split()[0] for line in said.splitlines() if line[:1].isdigit()]
    assert steps[-5:] == ["attribute:", "descent", "weights", "bundle,", "report,"]
    assert not list(tmp_path.iterdir())


def test_a_model_that_nobody_has_is_asked_for_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["case", "experiment=api_shell", f"out={tmp_path}"]) == 2
    assert "no model to ask for service: name it with full.suspects.service.model=NAME" in capsys.readouterr().err
    assert main(["case", "experiment=api_shell", "scale=small", "shell.only=[nobody]", f"out={tmp_path}"]) == 2
    assert "shell.only='nobody' names no system prompt" in capsys.readouterr().err


def test_engine_arguments_are_the_models_before_the_scales_before_the_backends() -> None:
    from runners.cases.asking import backend_for

    case = case_of("yi_llama", "engine.max_model_len=512")
    engine = backend_for(case.full.suspects["yi-34b"], case)["engine"]
    assert (engine["tensor_parallel_size"], engine["max_model_len"], engine["enforce_eager"]) == (2, 512, True)
    service = case_of("api_shell", "backend.base_url=http://127.0.0.1:9/v1")
    assert "engine" not in backend_for(service.full.suspects["service"], service)


def test_an_unknown_expectation_is_refused() -> None:
    from runners.cases.accusations import play

    case = case_of("yi_llama", "scale=small", "small.suspects.borrowed.expected=guilty")
    with pytest.raises(KinprintError, match="expected to be 'guilty'; known are near_identical_copy"):
        next(play(case, {}))
