"""Members of the zoo by name: made once, kept in the cache, made anew when their recipe changes."""

from pathlib import Path

import pytest

from probes.errors import KinprintError
from runners.jobs.collect import serving
from runners.library.settings import MemberSettings
from runners.settings import CandidateSettings
from runners.zoo import made, making
from runners.zoo.parentage import completed
from runners.zoo.recipes import Recipe


def test_every_part_of_the_zoo_is_known_by_name() -> None:
    members = made.zoo_members()
    assert members["smollm2-moe"].family == "smollm2"
    assert members["borrowed-3"].kind == "lookalike"


def test_a_member_is_made_once_and_found_by_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls = []

    def grow(out: Path, seed: int) -> Path:
        calls.append(seed)
        out.mkdir()
        return out

    monkeypatch.setenv("KINPRINT_CACHE", str(tmp_path))
    for module in ("making", "parentage"):
        monkeypatch.setattr(f"runners.zoo.{module}.RECIPES", {"grow": Recipe(grow, "grown", sources=0)})
    members = {"tree": MemberSettings(family="f", kind="lookalike", recipe="grow", seed=4)}
    monkeypatch.setattr(made, "zoo_members", lambda: completed(members))
    where = serving(CandidateSettings("zoo:tree"))["model"]
    assert where == str(tmp_path / "zoo" / "tree" / "model") == str(made.made_model("tree"))
    assert calls == [4]
    members["tree"].seed = 5
    made.made_model("tree")
    assert calls == [4, 5]
    assert making.FROM_ZOO == "zoo:"


def test_what_is_no_model_of_its_own_says_so() -> None:
    with pytest.raises(KinprintError, match="the zoo has no model 'nobody'"):
        serving(CandidateSettings("zoo:nobody"))
    with pytest.raises(KinprintError, match="smollm2-persona is no model of its own, but smollm2"):
        made.made_model("smollm2-persona")
