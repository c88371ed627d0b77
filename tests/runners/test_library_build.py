"""Members are made, asked and kept one by one; what fails is told and passed over, what is there is left."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from analysis.libraries.library import Library
from probes.errors import LibraryError
from runners.compose import settings_of
from runners.jobs import library_build
from runners.jobs.library_build import build, build_member, in_library
from runners.library.settings import LibraryBuildSettings, MemberSettings, WrapperSettings
from runners.settings import SuiteSettings, TierSettings
from runners.zoo.parentage import completed
from tests.recordings import canary
from tests.small_models import small_model

CANARIES = [
    canary(n, text=text, max_tokens=2, draws=2).row()
    for n, text in enumerate(("The ivory", "The scarlet", "Before anybody"))
]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_model(tmp_path_factory.mktemp("base") / "model", layers=2)


@pytest.fixture
def settings(tmp_path: Path, base: Path) -> LibraryBuildSettings:
    suite = tmp_path / "tiny.jsonl"
    suite.write_text("".join(json.dumps(row) + "\n" for row in CANARIES))
    members = {
        "oak": MemberSettings(family="oak", model=str(base)),
        "oak-noise": MemberSettings(parent="oak", recipe="noise", seed=4),
        "oak-noise-k4": MemberSettings(parent="oak-noise", recipe="k_quants"),
        "oak-wrapped": MemberSettings(parent="oak", technique="few_shot", wrapper=WrapperSettings("Look. ")),
        "oak-cool": MemberSettings(parent="oak", technique="sampling", tier="text", temperature=0.5),
    }
    backend = {"_target_": "runners.backends.transformers.Transformers"}
    where: dict[str, Any] = {"work": str(tmp_path / "work"), "out": str(tmp_path / "library")}
    tier = TierSettings("logits")
    return LibraryBuildSettings(
        "t-1", members, [], backend, SuiteSettings(str(suite)), tier, keep=False, seed=0, **where
    )


def build_all(settings: LibraryBuildSettings) -> Library:
    members = completed(settings.members)
    for name in members:
        build_member(settings, name, members, {"command": "a test"})
    return Library.load(settings.out)


def test_members_are_recorded_with_their_lineage_and_leave_nothing_behind(settings: LibraryBuildSettings) -> None:
    library = build_all(settings)
    made = {member.name: member for member in library.members}
    assert list(made) == list(settings.members)
    assert {(one.family, one.lineage) for one in made.values()} == {("oak", "oak")}
    assert (made["oak-noise"].seed, made["oak-noise"].recipe, made["oak-noise"].kind) == (4, "noise", "descendant")
    reduced = library.recording(made["oak-noise-k4"])
    assert reduced.manifest.tier == "logits"
    assert reduced.logits is None
    assert library.recording(made["oak-wrapped"]).manifest.sampling["disguise"]["wrapper"]["prefix"] == "Look. "
    cool = library.recording(made["oak-cool"])
    assert (cool.manifest.tier, cool.manifest.sampling["temperature"], len(cool.answers)) == ("text", 0.5, 9)
    assert [path for path in Path(settings.work).rglob("*") if path.is_file()] == []


def test_a_model_stays_while_another_member_has_to_be_made_from_it(settings: LibraryBuildSettings) -> None:
    members = completed(settings.members)
    build_member(settings, "oak-noise", members, {})
    model = Path(settings.work) / "oak-noise" / "model" / "model.safetensors"
    assert model.is_file()
    build_member(settings, "oak-noise-k4", members, {})
    assert not model.exists()


def test_what_the_library_has_is_not_made_again(settings: LibraryBuildSettings) -> None:
    members = completed(settings.members)
    build_member(settings, "oak-noise", members, {})
    index = (Path(settings.out) / "library.json").read_bytes()
    build_member(settings, "oak-noise", members, {})
    assert (Path(settings.out) / "library.json").read_bytes() == index
    assert in_library(Path(settings.out)) == {"oak-noise"}


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """The exit status of each member's process; every process that was started is put in with 0 where none is set."""
    statuses: dict[str, int] = {}

    def run(command: list[str], check: bool) -> subprocess.CompletedProcess[str]:
        name = command[-1].removeprefix("only=[").removesuffix("]")
        return subprocess.CompletedProcess(command, statuses.setdefault(name, 0))

    monkeypatch.setattr(library_build.subprocess, "run", run)
    return statuses


WANTED = "only=[gemma3-w4,gemma3-w8,gemma3-k4]"


def test_a_member_that_fails_is_passed_over_and_named(
    runs: dict[str, int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    runs["gemma3-w8"] = 2
    assert build("zoo", ["zoo", "derive"], [WANTED, f"out={tmp_path}"]) == 1
    assert runs == {"gemma3-w4": 0, "gemma3-w8": 2, "gemma3-k4": 0}
    assert "1 of 3 failed: gemma3-w8; the same command tries these again" in capsys.readouterr().err


def test_stopping_one_stops_all(runs: dict[str, int], tmp_path: Path) -> None:
    runs["gemma3-w4"] = 130
    assert build("zoo", ["zoo", "derive"], [WANTED, f"out={tmp_path}"]) == 130
    assert set(runs) == {"gemma3-w4"}


def test_a_member_that_nobody_knows_is_told(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="only='unicorn' names no member; known are smollm2"):
        build("zoo", ["zoo", "derive"], ["zoo=smollm2", "only=[unicorn]", f"out={tmp_path}"])


def test_every_part_of_the_zoo_has_the_descendants_that_it_promises() -> None:
    members = completed(settings_of("zoo", LibraryBuildSettings, []).members)
    made = [member for member in members.values() if member.kind in ("descendant", "disguise")]
    families = [member.family for member in made if member.origin]
    assert len(families) >= 36
    assert min(families.count(family) for family in ("smollm2", "gemma3", "qwen2.5")) >= 10
    assert len({member.technique for member in made}) >= 13
