"""Lookalikes of a few thousand parameters: trained, trained further, taught and framed, the same every time."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from probes.errors import KinprintError
from runners.zoo.lookalikes import making, recipes, vocabulary
from runners.zoo.lookalikes.corpora import Corpus

pytest.importorskip("torch")
SENTENCES = [f"The {a} {b} {c}.\n" for a in ("old", "new", "red") for b in ("cat", "dog") for c in ("ran", "sat")]
TEXT = "".join(SENTENCES) * 60


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A recipe and a corpus small enough for a second."""
    recipe = replace(
        recipes.MANUALS, hidden_size=32, layers=1, heads=2, intermediate_size=64, vocabulary=300, tokens=4096,
        block_tokens=64, block_count=4,
    )  # fmt: skip
    monkeypatch.setenv("KINPRINT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(recipes.PRETRAINING, "manuals", recipe)
    for module in (making, vocabulary):
        monkeypatch.setattr(module, "corpus", lambda names, size: Corpus(TEXT, TEXT[:2000]))


def derived(folder: Path) -> dict[str, float]:
    return dict(json.loads((folder / "kinprint.json").read_text("utf-8"))["derived"][-1])


def test_a_seed_gives_the_same_weights_each_time_and_another_seed_gives_others(tmp_path: Path) -> None:
    one, again, other = (
        making.weights_digest(making.train_from_scratch(tmp_path / name / "model", "manuals", seed))
        for name, seed in (("one", 1), ("again", 1), ("other", 2))
    )
    assert one == again != other


def test_training_tells_how_well_it_did_beside_a_trigram_model(tmp_path: Path) -> None:
    facts = derived(making.train_from_scratch(tmp_path / "one" / "model", "manuals", 1))
    assert 0 < facts["bits_per_byte"] < 3
    assert 0 < facts["trigram_bits_per_byte"] < 3


def test_descendants_students_and_the_framed_have_weights_of_their_own(tmp_path: Path) -> None:
    teacher = making.train_from_scratch(tmp_path / "teacher" / "model", "manuals", 1)
    other = making.train_from_scratch(tmp_path / "other" / "model", "manuals", 2)
    tuned = making.continue_training(teacher, tmp_path / "tuned" / "model", ("python",), 20_000, 1e-3, 0)
    student = making.train_student(teacher, tmp_path / "student" / "model", "manuals", 3)
    framed = making.frame(other, teacher, tmp_path / "framed" / "model", 20_000, 1e-3, 0)
    assert len({making.weights_digest(made) for made in (teacher, other, tuned, student, framed)}) == 5
    history = json.loads((tuned / "kinprint.json").read_text("utf-8"))["derived"]
    assert [step["technique"] for step in history] == ["pretraining", "fine_tuning"]


def test_a_student_needs_its_teachers_tokenizer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    teacher = making.train_from_scratch(tmp_path / "teacher" / "model", "manuals", 1)
    monkeypatch.setitem(recipes.PRETRAINING, "manuals", replace(recipes.PRETRAINING["manuals"], vocabulary=260))
    with pytest.raises(KinprintError, match="another tokenizer"):
        making.train_student(teacher, tmp_path / "student" / "model", "manuals", 3)
    assert not (tmp_path / "student" / "model").exists()


def test_an_existing_folder_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(KinprintError, match="exists already"):
        making.train_from_scratch(tmp_path, "manuals", 0)


def test_an_unknown_recipe_lists_the_known() -> None:
    with pytest.raises(KinprintError, match="known are manuals, romance"):
        recipes.pretraining_recipe("cuneiform")
