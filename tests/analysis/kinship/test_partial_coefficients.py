"""What a reference explains of the likeliest tokens beyond its rivals, as evidence for a family."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from analysis.attribution.attribute import attribute
from analysis.attribution.beside_channels import BesideChannels
from analysis.attribution.rules import Rules
from analysis.benchmark.ours import coefficients_of
from analysis.benchmark.specimens import Seen, specimens_of
from analysis.descent.likeliest import Likeliest
from analysis.kinship.partial_coefficients import NAME, UNTOLD, Beside, partial_coefficients
from analysis.libraries.library import ZOO, Library
from analysis.sequential.coefficients import CoefficientsAtLooks
from analysis.signatures.observation import Access
from analysis.signatures.signature import Signature, signature
from analysis.signatures.unfed import Unfed
from analysis.tokenizers.shared import TokenizerMatch

TOP_20 = Access("topk", top_k=20)
FEW = ("northern-0", "northern-1", "northern-2", "northern-3", "manuals-0", "manuals-1", "latin-0", "smollm2", "gemma3")


@pytest.fixture(scope="module")
def zoo() -> Library:
    return Library.load(ZOO)


@pytest.fixture(scope="module")
def seen(zoo: Library) -> Seen:
    few = tuple(one for one in zoo.members if one.name in (*FEW, "northern-0-heavy"))
    return Seen.at(TOP_20, specimens_of([replace(zoo, members=few)]))


def asked(seen: Seen, n: int = 32) -> npt.NDArray[np.intp]:
    return np.random.default_rng(0).permutation(len(seen.signatures[0].canaries))[:n]


def candidate_of(seen: Seen, n: int = 32) -> Signature:
    place = next(place for place, one in enumerate(seen.candidates) if one.name == "northern-0-heavy")
    return seen.signatures[place].take(asked(seen, n))


def found(seen: Seen, zoo: Library, candidate: Signature) -> npt.NDArray[np.float64] | Unfed:
    references = [seen.candidates[one] for one in seen.references]
    digests = [canary.digest for canary in candidate.canaries]
    asked_too = [seen.signatures[one].take(asked(seen, len(digests))) for one in seen.references]
    return partial_coefficients(
        candidate,
        TokenizerMatch.of(candidate, asked_too, [one.vocabulary for one in references]),
        [zoo.likeliest(one.member, digests) for one in references],
        [one.lineage for one in references],
        [True] * len(references),
    )


def match(same: list[bool], unclear: list[bool] | None = None) -> TokenizerMatch:
    return TokenizerMatch(np.array(same), np.array(unclear or [False] * len(same)))


def test_a_verdict_counts_what_the_benchmark_learned_from(seen: Seen, zoo: Library) -> None:
    benchmark = coefficients_of(seen, {(32, 0): asked(seen)})
    assert benchmark is not None
    place = next(place for place, one in enumerate(seen.candidates) if one.name == "northern-0-heavy")
    learned, scores = benchmark.on((32, 0), frozenset())[place], found(seen, zoo, candidate_of(seen))
    assert not isinstance(scores, Unfed)
    names = [seen.candidates[one].name for one in seen.references]
    assert names[int(scores.argmax())] == "northern-0"
    np.testing.assert_allclose(scores[names.index("northern-0")], learned[names.index("northern-0")], atol=1e-5)
    # nobody knows whose it is: its parent is a rival of other references with its tokenizer, which then score less
    assert scores[names.index("northern-1")] < learned[names.index("northern-1")]
    assert {name for name, score in zip(names, learned, strict=True) if score} <= {*FEW[:4]}


def test_nothing_is_said_where_the_tokenizer_or_the_references_tokens_are_not_known(seen: Seen, zoo: Library) -> None:
    candidate = candidate_of(seen)
    uncounted = {name: arrays for name, arrays in candidate.channels.items() if name != "tokenizer"}
    by_counts = found(seen, zoo, replace(candidate, vocabulary=None))
    assert not isinstance(by_counts, Unfed)
    np.testing.assert_array_equal(by_counts, found(seen, zoo, candidate))
    for lacking, why in (
        (replace(candidate, vocabulary=None, channels=uncounted), "tokenizer is not known"),
        (replace(candidate, likeliest=None), "no likeliest tokens"),
    ):
        said = found(seen, zoo, lacking)
        assert isinstance(said, Unfed)
        assert why in said.reason
    said = partial_coefficients(candidate, match([True]), [None], ["northern-0"], [True])
    assert isinstance(said, Unfed)
    assert "of the references with its tokenizer" in said.reason


def shown(k: int = 20) -> Likeliest:
    source = np.random.default_rng(0)
    names = np.array([source.permutation(np.arange(1, 61, dtype=np.uint64))[:k] for _ in range(8)])
    return Likeliest(names, -np.sort(source.exponential(size=(8, k)), axis=1))


def test_rivals_share_the_tokenizer_and_without_two_of_them_nothing_is_told() -> None:
    tokens = shown()
    lineages, same = np.array(["a", "b", "c", "d", "e"]), match([True, True, True, False, False])
    beside = Beside(tokens, same, [tokens] * 5, lineages)
    assert [beside.rivals(0, absent).tolist() for absent in ((), {"b"}, {"b", "d"})] == [[1, 2], [], []]
    assert not len(Beside(tokens, same, [tokens] * 5, lineages, lineage="b").rivals(0))
    twins = np.array(["a", "b", "b", "d", "e"])
    assert not len(Beside(tokens, same, [tokens] * 5, twins).rivals(0))
    roots = np.array([True, True, False, False, True])
    assert not len(Beside(tokens, same, [tokens] * 5, lineages, roots).rivals(0))
    scores = beside.on(np.arange(8))
    np.testing.assert_allclose(scores(()), [0, 0, 0, 0, 0], atol=1e-9)
    np.testing.assert_array_equal(np.isnan(scores({"b"})), [True, False, True, False, False])


def test_nothing_is_told_of_who_shows_too_little_or_may_have_another_tokenizer() -> None:
    tokens, nothing = shown(), Likeliest(np.zeros((8, 20), np.uint64), np.full((8, 20), -np.inf))
    sides = [tokens, tokens, tokens, shown(5), nothing, None, tokens]
    lineages = np.array(list("abcdefg"))
    everybody = Beside(tokens, match([True] * 6 + [False], [False] * 6 + [True]), sides, lineages)
    assert everybody.rivals(0).tolist() == [1, 2]
    np.testing.assert_array_equal(np.isnan(everybody.on(np.arange(8))(())), [False] * 3 + [True] * 4)


def test_a_token_more_makes_no_stranger(zoo: Library, seen: Seen) -> None:
    """The hash of such a tokenizer is another, and prompts are cut alike: it is unclear, and nothing is told."""
    candidate = replace(candidate_of(seen), vocabulary="another")
    scores = found(seen, zoo, candidate)
    assert not isinstance(scores, Unfed)
    names = [seen.candidates[one].name for one in seen.references]
    assert np.isnan(scores[names.index("northern-0")])
    assert scores[names.index("gemma3")] == 0


def test_references_without_a_hash_are_told_by_token_counts(zoo: Library, seen: Seen) -> None:
    candidate = candidate_of(seen)
    asked_too = [seen.signatures[one].take(asked(seen)) for one in seen.references]
    hashes = [seen.candidates[one].vocabulary for one in seen.references]
    by_hash, by_counts = (TokenizerMatch.of(candidate, asked_too, one) for one in (hashes, [None] * len(hashes)))
    assert by_hash is not None
    assert by_counts is not None
    np.testing.assert_array_equal(by_hash.same, by_counts.same)
    assert by_hash.same.any()
    assert not by_hash.same.all()
    nobody = [replace(one, channels={}) for one in asked_too]
    uncounted = TokenizerMatch.of(candidate, nobody, [None] * len(hashes))
    assert uncounted is not None
    assert uncounted.unclear.all()


def test_whom_nothing_is_told_of_gets_what_stands_for_it_unless_tokenizers_do_not_count() -> None:
    scores = np.array([[0.3, np.nan], [0.1, 0.0]])
    beside = BesideChannels(("beside_family", NAME), scores, np.zeros((2, 2, 4)))
    np.testing.assert_array_equal(beside.features(("next_token", "tokenizer")), [[0.3, UNTOLD], [0.1, 0]])
    np.testing.assert_array_equal(beside.features(("next_token",)), [[0.3, 0], [0.1, 0]])
    assert beside.of(0) == {"beside_family": 0.3, NAME: None}
    assert beside.telling().names == ("beside_family",)
    beside.scores[1, 1] = 0.2
    assert beside.telling().names == ("beside_family", NAME)


def test_trained_from_nothing_with_a_known_tokenizer_it_is_no_descendant(zoo: Library) -> None:
    """In a library of three families, where nobody shows what sharing a tokenizer alone explains."""
    member = next(member for member in zoo.members if member.name == "borrowed-0")
    candidate = signature(zoo.recording(member), TOP_20, wholes=False)
    candidate = candidate.take(np.random.default_rng(1).permutation(len(candidate.canaries))[:64])
    verdict = attribute(candidate, Library.load())
    assert verdict.channels[-1] == NAME
    assert verdict.decision == "unknown"
    assert verdict.posterior["smollm2"] < 0.05


def test_a_heavily_tuned_seed_is_named_from_its_likeliest_tokens(zoo: Library) -> None:
    """Among seeds of its recipe, from 64 answers."""
    member = next(one for one in zoo.members if one.name == "adopted-2-heavy")
    library = replace(zoo, members=tuple(one for one in zoo.members if one.role in ("base", "lookalike")))
    candidate = signature(zoo.recording(member), TOP_20, wholes=False)
    candidate = candidate.take(np.random.default_rng(0).permutation(len(candidate.canaries))[:64])
    told, without = (attribute(candidate, library, Rules(switched_off=off)) for off in ((), (NAME,)))
    assert NAME in told.channels
    assert without.left_out[NAME] == "it was switched off"
    assert told.posterior["adopted"] > max(0.9, without.posterior["adopted"])
    assert told.evidence is not None
    assert told.evidence.reference == "adopted-2"


def test_looks_at_answers_as_they_come_see_the_same(seen: Seen) -> None:
    looks = CoefficientsAtLooks.of_signatures(seen.signatures, seen.candidates, seen.references)
    assert looks is not None
    place = next(place for place, one in enumerate(seen.candidates) if one.name == "northern-0-heavy")
    places = asked(seen).tolist()
    drawn = looks.looked_at(len(seen.candidates), [places, places[:2]])
    seen_then, before = drawn(0, place, ()), drawn(1, place, ())
    assert before is None
    assert seen_then is not None
    np.testing.assert_allclose(looks.of(place, places), seen_then)
    shared, differing = looks.seen_by(candidate_of(seen), places)
    assert differing == places
    parent = int(seen_then.argmax())
    np.testing.assert_allclose(shared(places)[parent], seen_then[parent])
    candidate = candidate_of(seen)
    uncounted = {name: arrays for name, arrays in candidate.channels.items() if name != "tokenizer"}
    for lacking in (replace(candidate, likeliest=None), replace(candidate, vocabulary=None, channels=uncounted)):
        hidden, _ = looks.seen_by(lacking, places)
        assert np.isnan(hidden(places)).all()


def test_canaries_where_rivals_leave_more_unexplained_tell_more(seen: Seen) -> None:
    """Of a model that its rivals answer like but at a few canaries, these."""
    source = np.random.default_rng(5)
    tokens = np.tile(np.arange(1, 21, dtype=np.uint64), (40, 1))
    shared = source.normal(size=(40, 20))
    own = shared.copy()
    own[:5] += 2 * source.normal(size=(5, 20))
    sides = [
        Likeliest(tokens, one.astype(np.float32))
        for one in (own, shared + 0.1 * source.normal(size=(40, 20)), shared + 0.1 * source.normal(size=(40, 20)))
    ]
    lineages = np.array(["a", "b", "c"])
    beside = Beside(sides[0], match([True] * 3), [None, *sides[1:]], lineages, lineage="a")
    left = beside.unexplained()
    assert left.mean() == pytest.approx(1)
    assert left[:5].min() > left[5:].max()
    assert not beside.unexplained(("b",)).any()  # one rival is not enough
    looks = CoefficientsAtLooks.of_signatures(seen.signatures, seen.candidates, seen.references)
    assert looks is not None
    of_references = looks.unexplained(())
    rivalled = of_references.any(axis=1)
    np.testing.assert_allclose(of_references[rivalled].mean(axis=1), 1)
    names = np.array([seen.candidates[place].name for place in seen.references.tolist()])
    assert set(names[rivalled]) >= {"northern-0", "northern-1"}
    assert "gemma3" not in names[rivalled]
