"""Lookalikes of a few thousand parameters: trained, trained further, taught and framed, the same every time."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from probes.errors import KinprintError
from runners.zoo.lookalikes import making, plans, vocabulary
from runners.zoo.lookalikes.corpora import Corpus

pytest.importorskip("torch")
SENTENCES = [f"The {a} {b} {c}.\n" for a in ("old", "new", "red") for b in ("cat", "dog") for c in ("ran", "sat")]
TEXT = "".join(SENTENCES) * 60


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A plan and a corpus small enough for a second."""
    plan = replace(
        plans.MANUALS, hidden_size=32, layers=1, heads=2, intermediate_size=64, vocabulary=300, tokens=40_960,
    )  # fmt: skip
    monkeypatch.setenv("KINPRINT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(plans.PRETRAINING, "manuals", plan)
    for module in (making, vocabulary):
        monkeypatch.setattr(module, "corpus", lambda names, size: Corpus(TEXT, TEXT[:2000]))


def weights_digest(folder: Path) -> str:
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def derived(folder: Path) -> dict[str, float]:
    return dict(json.loads((folder / "kinprint.json").read_text("utf-8"))["derived"][-1])


def test_a_seed_gives_the_same_weights_each_time_and_another_seed_gives_others(tmp_path: Path) -> None:
    one, again, other = (
        weights_digest(making.pretrain(tmp_path / name / "model", "manuals", seed))
        for name, seed in (("one", 1), ("again", 1), ("other", 2))
    )
    assert one == again != other


def test_training_tells_how_well_it_did_beside_a_trigram_model(tmp_path: Path) -> None:
    facts = derived(making.pretrain(tmp_path / "one" / "model", "manuals", 1))
    assert 0 < facts["bits_per_byte"] < 3
    assert 0 < facts["trigram_bits_per_byte"] < 3


@pytest.mark.parametrize("architecture", ["llama", "qwen2"])  # of the second transformers adds a token of its own
def test_descendants_students_and_the_framed_have_weights_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, architecture: plans.Architecture
) -> None:
    plan = replace(plans.PRETRAINING["manuals"], architecture=architecture)
    monkeypatch.setitem(plans.PRETRAINING, "manuals", plan)
    teacher = making.pretrain(tmp_path / "teacher" / "model", "manuals", 1)
    other = making.pretrain(tmp_path / "other" / "model", "manuals", 2)
    tuned = making.train_further(teacher, tmp_path / "tuned" / "model", TEXT, 20_000, 1e-3, 0)
    student = making.teach(tmp_path / "student" / "model", teacher, "manuals", 3)
    framed = making.frame(other, tmp_path / "framed" / "model", teacher, 20_000, 1e-3, 0)
    assert len({weights_digest(made) for made in (teacher, other, tuned, student, framed)}) == 5
    history = json.loads((tuned / "kinprint.json").read_text("utf-8"))["derived"]
    assert [step["technique"] for step in history] == ["pretraining", "fine_tuning"]


def test_a_student_needs_its_teachers_tokenizer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    teacher = making.pretrain(tmp_path / "teacher" / "model", "manuals", 1)
    monkeypatch.setitem(plans.PRETRAINING, "manuals", replace(plans.PRETRAINING["manuals"], vocabulary=260))
    with pytest.raises(KinprintError, match="another tokenizer"):
        making.teach(tmp_path / "student" / "model", teacher, "manuals", 3)
    assert not (tmp_path / "student" / "model").exists()


def test_an_existing_folder_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(KinprintError, match="exists already"):
        making.pretrain(tmp_path, "manuals", 0)


def test_an_unknown_plan_lists_the_known() -> None:
    with pytest.raises(KinprintError, match="known are manuals, romance"):
        plans.pretraining_plan("cuneiform")
