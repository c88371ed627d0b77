"""Beside rivals: who is set beside whom, and that a base stands out for its descendant and for no stranger."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.attribution.attribute import attribute
from analysis.attribution.beside_channels import beside_channels
from analysis.attribution.rules import Rules
from analysis.benchmark.rival_features import RivalFeatures
from analysis.benchmark.specimens import Seen, specimens_of
from analysis.benchmark.whose import Whose
from analysis.channels.next_token import CHANNEL as NEXT_TOKEN
from analysis.kinship.beside_rivals import NAMES, Rivals, counted_with, next_tokens, standing, usual
from analysis.kinship.fitted import FittedKinship
from analysis.libraries.library import ZOO, Library
from analysis.signatures.observation import Access
from analysis.signatures.signature import signature

CANARIES, SEEDS = 64, 6
ALL = Rules().channels


def rivals(n: int = SEEDS) -> Rivals:
    """Of seeds of one recipe."""
    return Rivals.of([str(seed) for seed in range(n)], ["recipe"] * n, ["one"] * n)


def alike(own: float, seed: int = 0) -> np.ndarray:
    """How alike a model is to six seeds of a recipe, prompt by prompt: to the first by `own` more than to the rest."""
    source = np.random.default_rng(seed)
    common = source.uniform(0.3, 0.9, CANARIES)  # some prompts draw one answer from everybody
    found = common + source.normal(0, 0.05, (SEEDS, CANARIES))
    found[0] += own
    return found


def test_rivals_are_of_the_family_or_the_tokenizer_and_of_another_lineage() -> None:
    found = Rivals.of(["a", "a", "b", "c", "d"], ["x", "x", "x", "y", "y"], ["one", "one", None, "one", None])
    assert np.argwhere(found.beside[0]).tolist() == [[0, 2], [1, 2], [2, 0], [2, 1], [3, 4], [4, 3]]
    assert np.argwhere(found.beside[1]).tolist() == [[0, 3], [1, 3], [3, 0], [3, 1]]
    roots = Rivals.of(["a", "b", "c"], ["x"] * 3, [None] * 3, [True, False, True])
    assert np.argwhere(roots.beside[0]).tolist() == [[0, 2], [2, 0]]
    alone = found.among(np.array([True, True, False, True, True]))
    assert not alone.beside[0][:2].any()


def test_a_base_stands_out_for_its_descendant_and_no_seed_does_for_a_stranger() -> None:
    kin = standing(rivals().differences(alike(own=0.1))).sum(axis=-1)
    assert kin.shape == (len(NAMES), SEEDS)
    assert kin[:, 0].min() > 8
    assert kin[:, 1:].max() < 2
    strangers = [standing(rivals().differences(alike(own=0.0, seed=seed)))[0].sum(axis=-1) for seed in range(500)]
    assert np.std(strangers) == pytest.approx(1, abs=0.1)  # standard errors, as is said
    assert abs(np.mean(strangers)) < 0.05


def test_without_rivals_and_without_answers_nothing_stands_out() -> None:
    found = standing(rivals(1).differences(alike(own=0.1)[:1]))
    assert (found == 0).all()
    nothing = np.full((SEEDS, CANARIES), np.nan)
    assert (standing(rivals().differences(nothing)) == 0).all()
    half = alike(own=0.1)
    half[:, ::2] = np.nan
    known = standing(rivals().differences(half))
    np.testing.assert_allclose(known.sum(axis=-1), standing(rivals().differences(half[:, 1::2])).sum(axis=-1))


def test_a_reference_that_is_nearer_to_everybody_stands_out_for_nobody() -> None:
    """As the largest model of a family does beside the small ones: strangers of other families show how much."""
    source = np.random.default_rng(0)
    nearer = np.array([0.0, 0.0, 0.15, 0.0, 0.0])  # the last two are of another family
    families = np.array(["sizes"] * 3 + ["others"] * 2)
    shown = source.uniform(0.3, 0.7, CANARIES) + nearer[:, None] + source.normal(0, 0.05, (30, 5, CANARIES))
    beside = Rivals.of([str(place) for place in range(5)], families.tolist(), [None] * 5)
    everybody = np.ones((len(shown), 5), dtype=bool)
    strangers = np.array(["others", "third", "sizes"] * 10)
    level = usual(beside, shown, strangers, families, everybody)
    candidate = source.uniform(0.3, 0.7, CANARIES) + nearer[:, None] + source.normal(0, 0.05, (5, CANARIES))
    differences = beside.differences(candidate)
    assert standing(differences).sum(axis=-1)[0, 2] > 8
    assert abs(standing(differences - level).sum(axis=-1)[0, :3]).max() < 3
    nobody = usual(beside, shown, strangers, families, ~everybody)
    assert (nobody == 0).all()
    of_sizes = usual(beside, np.where((strangers == "sizes")[:, None, None], 9, shown), strangers, families, everybody)
    np.testing.assert_allclose(of_sizes[0, :3], level[0, :3])  # what a family shows of its own does not count


def test_a_rival_that_was_not_asked_stands_beside_nobody() -> None:
    found = alike(own=0.1)
    lacking = found.copy()
    lacking[5] = np.nan
    np.testing.assert_allclose(
        rivals().differences(lacking)[0, 0], found[0] - found[1:5].mean(axis=0), rtol=1e-4, atol=1e-5
    )


def test_one_answer_that_differs_is_not_sure() -> None:
    assert abs(standing(np.array([[0.3]])).sum()) <= 3


def test_it_counts_where_next_tokens_do() -> None:
    assert counted_with(("greedy", NEXT_TOKEN.name), "topk") == NAMES


def test_at_text_it_counts_where_greedy_answers_can_be_looked_up(zoo: Library) -> None:
    references = [zoo.signature(one) for one in zoo.members[:3]]
    greedy = ("greedy", "wording")
    assert counted_with(greedy, "text", references) == NAMES
    assert counted_with(greedy, "topk", references) == ()
    assert counted_with(("wording", "tokenizer"), "text", references) == ()
    shown = zoo.signature(zoo.members[3], Access("text", draws=4))  # of whom no distribution is known
    assert counted_with(greedy, "text", [*references, shown]) == counted_with(greedy, "text") == ()


@pytest.fixture(scope="module")
def zoo() -> Library:
    return Library.load(ZOO)


def test_real_descendants_stand_out_at_their_base_from_four_sampled_answers(zoo: Library) -> None:
    """Recordings of the zoo: seeds of one recipe with a light descendant, and strangers with their tokenizer."""
    named = {member.name: member for member in zoo.members}
    bases = [member for member in zoo.members if member.family == "northern" and member.role == "lookalike"]
    references = [zoo.signature(member) for member in bases]
    beside = Rivals.of([one.name for one in bases], ["northern"] * len(bases), [zoo.vocabulary(one) for one in bases])
    lights = [name for name in named if name.startswith("northern") and name.endswith("-light")]
    assert len(lights) >= 2
    for name in lights:
        seen = zoo.signature(named[name], Access("text", draws=4))
        family, tokenizer = standing(beside.differences(next_tokens([seen], references, ALL)[0])).sum(axis=-1)
        assert bases[int(family.argmax())].name == named[name].parent
        assert family.max() > 4
        np.testing.assert_allclose(family, tokenizer)  # all of them have one tokenizer
    strangers = zoo.signature(named["nordic-0"], Access("text", draws=4))
    assert standing(beside.differences(next_tokens([strangers], references, ALL)[0])).sum(axis=-1).max() < 4


def test_products_give_what_pairs_give(zoo: Library) -> None:
    """Of a model that lacks an answer too, and of one that feeds no next tokens."""
    models = [zoo.signature(one, Access("topk", top_k=20)) for one in zoo.members[:4]]
    bins = models[1].channels[NEXT_TOKEN.name]["bins"].copy()
    bins[3] = np.nan
    models[1].channels[NEXT_TOKEN.name]["bins"] = bins
    silent = replace(models[2], channels={})
    found = next_tokens([*models[:2], silent], models, ALL)
    for row, one in enumerate(models[:2]):
        for column, other in enumerate(models):
            pair = NEXT_TOKEN.coefficient(one.channels[NEXT_TOKEN.name], other.channels[NEXT_TOKEN.name])
            np.testing.assert_allclose(found[row, column], pair, atol=1e-6)
    assert np.isnan(found[1, :, 3]).all()
    assert np.isnan(found[2]).all()


def test_what_it_told_is_in_the_verdict_and_sums_up(zoo: Library) -> None:
    member = next(one for one in zoo.members if one.name == "northern-0-light")
    rest = zoo.without(names=[member.name])
    library = replace(rest, members=tuple(one for one in rest.members if one.role in ("base", "lookalike")))
    rules = Rules(switched_off=("partial_coefficient",))  # which is of all canaries together
    verdict = attribute(signature(zoo.recording(member), Access("topk", top_k=20), wholes=False), library, rules)
    assert verdict.channels[4:] == NAMES
    assert verdict.evidence is not None
    assert set(NAMES) < set(verdict.evidence.channels)
    told = verdict.evidence
    apart = told.log_likelihood_ratios[told.reference] - told.log_likelihood_ratios[str(told.rival_reference)]
    assert sum(told.channels.values()) == pytest.approx(apart * 10 / np.log(10), abs=0.1)
    assert sum(one.decibans for one in told.canaries) == pytest.approx(sum(told.channels.values()), abs=0.5)


def test_greedy_answers_alone_give_a_measured_verdict(zoo: Library) -> None:
    """As `kinprint probe` asks at text, and an endpoint answers that takes no temperature. The library may hold a model
    that is known by its text alone, if it is nobody's rival.
    """
    member = next(one for one in zoo.members if one.name == "northern-0-light")
    there = [one for one in zoo.members if one.role in ("base", "lookalike") or one.name == "smollm2-cool"]
    library = replace(zoo, members=tuple(there))
    verdict = attribute(signature(zoo.recording(member), Access("text"), wholes=False), library)
    assert verdict.channels == ("greedy", "wording", "tokenizer", *NAMES)
    assert "measured on lineages held out" in verdict.calibration.basis
    assert max(verdict.posterior, key=lambda family: verdict.posterior[family]) == "northern"


def test_a_verdict_counts_what_the_benchmark_learned_from(zoo: Library) -> None:
    """The same references, strangers and answers: the same numbers."""
    few = ("northern-0", "northern-1", "northern-2", "nordic-0", "nordic-1", "manuals-0", "manuals-1", "smollm2")
    library = replace(zoo, members=tuple(one for one in zoo.members if one.name in (*few, "northern-0-light")))
    access = Access("text", draws=4)
    seen = Seen.at(access, specimens_of([library]))
    place = next(place for place, one in enumerate(seen.candidates) if one.name == "northern-0-light")
    whose = Whose.of(seen.candidates, seen.references)
    n = len(seen.signatures[0].canaries)
    features = RivalFeatures(next_tokens(seen.signatures, seen.recorded, ALL), whose, np.ones((n, 1), np.float32))
    usual_there = features.usual(np.ones(whose.same.shape, dtype=bool), frozenset())
    expected = features(usual_there, frozenset())[0, place]

    references = replace(library, members=tuple(one for one in library.members if one.name in few))
    found = beside_channels(
        seen.signatures[place], references, seen.recorded, Rules(), Rules.channels, FittedKinship.load()
    )
    assert found.names == NAMES
    np.testing.assert_allclose(found.scores, expected, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(
        features.standing(usual_there, place, range(n), frozenset()).T, expected, rtol=1e-3, atol=1e-3
    )
