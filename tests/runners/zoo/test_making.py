"""Models are made from their sources, once, with the settings that they were given, and go when nobody needs them."""

from dataclasses import replace
from pathlib import Path

import pytest

from probes.errors import LibraryError
from runners.library.settings import MemberSettings
from runners.zoo import making
from runners.zoo.lookalikes import plans
from runners.zoo.making import Workshop
from runners.zoo.parentage import completed
from runners.zoo.recipes import Recipe


@pytest.fixture
def calls(monkeypatch, tmp_path):
    """Recipes that write their name, and a list of how they were called; a corpus that says what was asked of it."""
    made = []

    def write(out, **given):
        made.append((out.parent.name, given))
        out.mkdir()
        return out

    def reads(source, out, text, steps=3, seed=0):
        return write(out, sources=[source], text=text, steps=steps, seed=seed)

    def joins(first, second, out):
        return write(out, sources=[first, second])

    def begins(out, seed, plan):
        return write(out, sources=[], seed=seed, plan=plan)

    def learns(out, seed, teacher):
        return write(out, sources=[], seed=seed, teacher=teacher)

    recipes = {
        "reads": Recipe(reads, "reading"),
        "joins": Recipe(joins, "joining", sources=2),
        "begins": Recipe(begins, "begun", sources=0),
        "learns": Recipe(learns, "learned", sources=0),
    }
    for module in ("making", "parentage"):
        monkeypatch.setattr(f"runners.zoo.{module}.RECIPES", recipes)
    monkeypatch.setattr(making, "training_text", lambda names, characters: f"{','.join(names)}:{characters}")
    return made


MEMBERS = {
    "seedling": MemberSettings(family="f", kind="lookalike", recipe="begins", seed=4, settings={"plan": "manuals"}),
    "base": MemberSettings(family="f", model="./base"),
    "one": MemberSettings(
        parent="base", recipe="reads", seed=1, settings={"text": ["fr"], "characters": 9, "steps": 5}
    ),
    "two": MemberSettings(parent="one", recipe="reads", seed=2),
    "joined": MemberSettings(parents=["one", "two"], recipe="joins"),
    "pupil": MemberSettings(family="p", kind="student", recipe="learns", teacher="joined", seed=9),
    "hidden": MemberSettings(parent="two", technique="system_prompt", system_prompt="Be brief."),
}


def test_a_model_is_made_after_its_sources_and_only_once(calls, tmp_path):
    workshop = Workshop(completed(MEMBERS), tmp_path)
    assert Path(workshop.model("pupil")) == tmp_path / "pupil" / "model"
    place = {name: tmp_path / name / "model" for name in MEMBERS}
    assert calls == [
        ("one", {"sources": [Path("base")], "text": "fr:9", "steps": 5, "seed": 1}),
        ("two", {"sources": [place["one"]], "text": "python:600000", "steps": 3, "seed": 2}),
        ("joined", {"sources": [place["one"], place["two"]]}),
        ("pupil", {"sources": [], "seed": 9, "teacher": place["joined"]}),
    ]
    assert workshop.model("hidden") == str(place["two"])
    assert workshop.model("base") == "./base"
    workshop.model("seedling")
    assert calls[4:] == [("seedling", {"sources": [], "seed": 4, "plan": "manuals"})]


def test_what_was_made_otherwise_is_made_again_with_all_that_comes_of_it(calls, tmp_path):
    Workshop(completed(MEMBERS), tmp_path).model("joined")
    changed = MEMBERS["one"].settings | {"steps": 6}
    members = completed({**MEMBERS, "one": replace(MEMBERS["one"], settings=changed)})
    del calls[:]
    Workshop(members, tmp_path).model("joined")
    assert [name for name, _ in calls] == ["one", "two", "joined"]
    del calls[:]
    Workshop(members, tmp_path).model("joined")
    assert calls == []


def test_a_plan_that_changed_under_its_name_is_followed_anew(calls, tmp_path, monkeypatch):
    workshop = Workshop(completed(MEMBERS), tmp_path)
    workshop.model("seedling")
    monkeypatch.setitem(plans.PRETRAINING, "manuals", replace(plans.MANUALS, tokens=1))
    workshop.model("seedling")
    workshop.model("seedling")
    assert [name for name, _ in calls] == ["seedling", "seedling"]


def test_what_nobody_starts_from_any_more_goes(calls, tmp_path):
    workshop = Workshop(completed(MEMBERS), tmp_path)
    workshop.model("pupil")
    left = lambda: {folder.parent.name for folder in tmp_path.glob("*/model")}  # noqa: E731
    workshop.tidy({"joined", "pupil"})
    assert left() == {"one", "two", "joined", "pupil"}
    workshop.tidy({"hidden"})
    assert left() == {"one", "two"}
    workshop.tidy(set())
    assert left() == set()


def test_a_setting_that_a_recipe_does_not_take_is_told(calls, tmp_path):
    members = completed({**MEMBERS, "wrong": MemberSettings(parent="base", recipe="reads", settings={"stepz": 1})})
    with pytest.raises(LibraryError, match="wrong: the recipe reads does not take the setting 'stepz'"):
        Workshop(members, tmp_path).model("wrong")
    assert calls == []
