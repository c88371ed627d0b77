"""Whether two recordings are of the same model: on real models, and the error of each answer on made-up ones."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.equality.betting import p_at_least, p_at_most
from analysis.equality.difference_kind import kind_of
from analysis.equality.equality import CAP, MARGIN_OF_TOPS, Margin, equality, measured_margin
from analysis.equality.paired import Paired, pair
from analysis.equality.paired_draws import p_equal, paired_draws
from analysis.equality.paired_tops import agrees, distance, tops
from analysis.libraries.library import SHIPPED, Library
from analysis.signatures.observation import observe
from probes.errors import KinprintError, RecordingError
from probes.recording import Recording, load_recording
from runners.cli import main
from tests.recordings import make_up, write_recording

AGAIN = Path(__file__).parents[2] / "data" / "recordings" / "smollm2"  # recorded at another time, suite quick, top 20


@pytest.fixture(scope="module")
def library() -> Library:
    return Library.load()


def reference(name: str) -> Recording:
    return load_recording(SHIPPED / name)


def test_a_model_recorded_twice_is_the_same() -> None:
    found = equality(pair(reference("smollm2"), load_recording(AGAIN)))
    assert (found.decision, found.canaries, found.differ, found.greedy_agree) == ("same", 48, 0, 1)
    assert found.size < 1e-6


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("smollm2-int4", "quantization"),
        ("qwen2.5-coder-pruned", "quantization"),
        ("gemma3-code-tuned", "undetermined"),
        ("smollm2-persona", "system_prompt"),
    ],
)
def test_a_changed_model_is_different_and_the_kind_is_named(name: str, kind: str, library: Library) -> None:
    base = next(member.parent for member in library.members if member.name == name)
    one, other = reference(str(base)), reference(name)
    paired = pair(one, other)
    found = equality(paired)
    assert found.decision == "different"
    assert found.p_different < 1e-6
    assert found.interval[0] < found.size < found.interval[1]
    assert kind_of(one, other, paired, library).name == kind


def test_another_model_is_a_substitution_whether_or_not_its_prompts_are_counted(library: Library) -> None:
    one, other = reference("smollm2"), reference("gemma3")
    paired = pair(one, other)
    assert "another tokenizer" in kind_of(one, other, paired, library).why
    for recording in (one, other):
        uncounted = {key: replace(answer, prompt_tokens=None) for key, answer in recording.greedy.items()}
        recording.__dict__["greedy"] = uncounted
    assert "nearest to the family" in kind_of(one, other, paired, library).why
    assert kind_of(one, other, paired).name == "substitution"


def test_rounding_to_8_bits_shows_once_repeats_have_measured_the_margin() -> None:
    one = reference("smollm2")
    again = measured_margin([pair(one, load_recording(AGAIN))])
    assert again.value < MARGIN_OF_TOPS / 10
    assert again.basis == "repeats"
    assert equality(pair(one, reference("qwen2.5-coder-int8")), margin=again).decision == "different"
    assert equality(pair(one, reference("smollm2-int8")), margin=again).decision == "different"


def test_few_canaries_are_not_enough_to_be_the_same() -> None:
    whole = pair(reference("smollm2"), load_recording(AGAIN))
    few = Paired("tops", whole.ids[:20], whole.agree[:20], tops=whole.tops[:20])
    found = equality(few)
    assert found.decision == "undecidable"
    assert "can't tell" in found.why[0]


def test_another_temperature_is_told_from_another_model(library: Library) -> None:
    one = reference("smollm2")
    plain = tops(observe(one), 20)
    warm = [{token: p**0.7 for token, p in top.items()} for top in plain if top is not None]
    both = tuple(
        (top, {token: p / sum(hot.values()) * sum(top.values()) for token, p in hot.items()})
        for top, hot in zip(plain, warm, strict=True)
        if top is not None
    )
    paired = Paired("tops", tuple(map(str, range(len(both)))), np.array([agrees(*sides) for sides in both]), tops=both)
    assert equality(paired).decision == "different"
    kind = kind_of(one, one, paired, library)
    assert kind.name == "sampling"
    assert "temperature of 1.4" in kind.why


def test_the_distance_forgives_ties_at_the_end_of_a_list_and_nothing_else() -> None:
    one = {b"a": 0.6, b"b": 0.1, b"c": 0.1}
    assert distance(one, {b"a": 0.6, b"b": 0.1, b"d": 0.1}) == pytest.approx(0, abs=1e-12)
    assert distance(one, one) == pytest.approx(0, abs=1e-12)
    assert distance({b"a": 1.0}, {b"b": 1.0}) > 0.5
    near, far = ({b"a": p, b"b": 1 - p} for p in (0.6, 0.2))
    assert 0 < distance({b"a": 0.7, b"b": 0.3}, near) < distance({b"a": 0.7, b"b": 0.3}, far)


def test_distances_at_the_margin_are_rarely_called_the_same_or_different() -> None:
    """At the border between the two, each is wrong; neither is said more often than alpha."""
    generator, said = np.random.default_rng(0), []
    for _ in range(100):
        share = (generator.random(100) < 1 / CAP).astype(float) * CAP * 0.05  # capped mean: the margin
        sides = tuple(({b"a": 1.0}, {b"a": (1 - d) ** 2, b"b": 1 - (1 - d) ** 2}) for d in share)
        paired = Paired("tops", ("",) * 100, np.ones(100, bool), tops=sides)
        capped = np.minimum(paired.distances / (CAP * 0.05), 1)
        said.append((p_at_most(capped, 1 / CAP) <= 0.05, p_at_least(capped, 1 / CAP) <= 0.05))
    assert np.mean(said, axis=0).max() <= 0.05 + 0.02


def sampled(generator: np.random.Generator, probabilities: np.ndarray, draws: int) -> list[str]:
    return [chr(97 + token) * 16 for token in generator.choice(len(probabilities), size=draws, p=probabilities)]


def models(generator: np.random.Generator, size: int = 60) -> np.ndarray:
    return generator.dirichlet(np.ones(6), size=size)


@pytest.mark.parametrize("coupled", [False, True])
def test_p_values_of_sampled_answers_are_uniform_for_one_model(coupled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where draws of one number are the same on both sides half of the time, as with equal seeds."""
    monkeypatch.setattr("analysis.equality.paired_draws.FLIPS", 199)
    generator, found = np.random.default_rng(2), []
    for run in range(120):
        pairs = []
        for p in models(generator, 30):
            one, other = sampled(generator, p, 4), sampled(generator, p, 4)
            if coupled:
                other = [a if generator.random() < 0.5 else b for a, b in zip(one, other, strict=True)]
            made = paired_draws(one, other)
            assert made is not None
            pairs.append(made)
        found.append(p_equal(pairs, seed=run))
    assert abs(np.mean(np.array(found) <= 0.1) - 0.1) < 0.09
    assert abs(np.mean(np.array(found) <= 0.5) - 0.5) < 0.15


def test_the_distance_of_sampled_answers_is_unbiased() -> None:
    generator = np.random.default_rng(3)
    p, q = models(generator, 2)
    made = [paired_draws(sampled(generator, p, 3), sampled(generator, q, 3)) for _ in range(2000)]
    assert np.mean([one.size for one in made if one is not None]) == pytest.approx(((p - q) ** 2).sum(), abs=0.04)


@pytest.mark.parametrize("family", [0, 1])
def test_sampled_answers_tell_another_model_and_do_not_call_the_same_what_they_cannot_tell(
    family: int, tmp_path: Path
) -> None:
    one = write_recording(tmp_path / "a", make_up(0), "text")
    other = write_recording(tmp_path / "b", make_up(family), "text", name="other")
    found = equality(pair(one, other))
    assert found.basis == "draws"
    assert found.decision == ("different" if family else "undecidable")  # 24 canaries bear no more


def test_the_command_says_it_in_words_and_by_its_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = f"a={SHIPPED / 'smollm2'}", f"b={SHIPPED / 'smollm2-int4'}"
    assert main(["same", a, f"b={AGAIN}"]) == 0
    assert "Same:" in capsys.readouterr().out
    assert main(["same", a, b, f"out={tmp_path / 'same.json'}"]) == 1
    assert "kind of difference" in capsys.readouterr().out
    assert '"kind": "quantization"' in (tmp_path / "same.json").read_text("utf-8")
    assert main(["same", a, a.replace("a=", "b=")]) == 2
    assert "named twice" in capsys.readouterr().err


def test_what_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    one = write_recording(tmp_path / "a", make_up(0), "text")
    few = write_recording(tmp_path / "b", make_up(0, size=4), "text", name="few")
    with pytest.raises(RecordingError, match="share 4 canaries with at least two sampled answers"):
        pair(one, few)
    with pytest.raises(RecordingError, match="has no two sampled answers"):
        pair(one, write_recording(tmp_path / "c", make_up(0), "topk"))
    with pytest.raises(KinprintError, match="alpha must lie in"):
        equality(pair(one, write_recording(tmp_path / "d", make_up(0), "text", name="d")), alpha=0.7)
    with pytest.raises(KinprintError, match="margin in"):
        equality(pair(one, load_recording(tmp_path / "d")), margin=Margin(0, "setting"))
