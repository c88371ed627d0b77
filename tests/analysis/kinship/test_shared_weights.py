"""What a candidate shares with references' weights, as evidence for a family: made-up spaces, and real recordings."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.attribution.attribute import attribute
from analysis.attribution.rules import Rules
from analysis.benchmark.ours import weights_of
from analysis.benchmark.specimens import Seen, specimens_of
from analysis.descent.aligned import NAMED
from analysis.descent.rivals import UNKNOWN, Models
from analysis.kinship.shared_weights import NAME, Shared, canaries_behind, rows_behind, shared_weights
from analysis.libraries.library import ZOO, Library
from analysis.sequential.weights import WeightsAtLooks, look_before
from analysis.signatures.observation import Access
from analysis.signatures.signature import Signature, signature
from analysis.signatures.unfed import Unfed
from analysis.verdict import Verdict
from tests.output_spaces import Model, descendant, stranger
from tests.recordings import canary

TOKENS = 300


def seen(model: Model, rows: range = range(120)) -> Signature:
    """The signature of a made-up model that shows nothing but logits."""
    canaries = tuple(canary(number) for number in rows)
    logits = model.logits[list(rows), :TOKENS].astype(np.float32)
    answered = np.ones(len(canaries), dtype=bool)
    return Signature("made-up", Access("logits"), "tiny", canaries, {}, answered, {}, 0, 0, 0.0, logits=logits)


def scores(candidate: Signature, references: list[Signature]) -> np.ndarray:
    names = [str(number) for number in range(len(references))]
    found = shared_weights(candidate, references, names, ["one"] * len(names))
    assert not isinstance(found, Unfed), found.reason
    assert found.rows == len(candidate.canaries)
    return found.scores


def test_a_descendant_shares_with_its_parent_alone_on_the_few_prompts_that_it_was_asked() -> None:
    made = [stranger(seed) for seed in range(4)]
    references = [seen(one) for one in made]
    found = scores(seen(descendant(made[2], seed=5), range(100, 130)), references)
    assert found.argmax() == 2
    assert found[2] > 0.2
    assert np.delete(found, 2).max() < 0.05
    assert scores(seen(stranger(9), range(100, 130)), references).max() < 0.05


def test_what_it_takes_is_said() -> None:
    references = [seen(stranger(seed)) for seed in range(2)]
    candidate = seen(stranger(3))
    assert candidate.logits is not None
    same = replace(candidate, logits=np.repeat(candidate.logits[:1], len(candidate.canaries), axis=0))
    few = replace(candidate, logits=np.where(np.arange(TOKENS) < 150, candidate.logits, np.nan))
    for asked, known, why in (
        (replace(candidate, logits=None), references, "not recorded"),
        (candidate, [references[0], replace(references[1], logits=None)], "of the reference made-up"),
        (few, references, "150 tokens"),
        (same, references, "1 of the answers differ"),
    ):
        found = shared_weights(asked, known, ["a", "b"], [None, None])
        assert isinstance(found, Unfed)
        assert why in found.reason


def test_a_reference_without_logits_does_without_where_another_of_its_lineage_has_them() -> None:
    references = [seen(stranger(seed)) for seed in (0, 1, 2)]
    candidate = seen(descendant(stranger(1), seed=5), range(100, 120))
    whole = shared_weights(candidate, references, ["a", "b", "c"], ["one"] * 3)
    answers_alone = replace(references[1], logits=None)
    found = shared_weights(candidate, [*references, answers_alone], ["a", "b", "c", "b"], ["one"] * 4)
    assert isinstance(whole, Shared)
    assert isinstance(found, Shared)
    np.testing.assert_allclose(found.scores, [*whole.scores, 0])


def test_the_probe_scores_as_the_verdict_does() -> None:
    made = [stranger(seed) for seed in range(5)]
    names = ["0", "1", "2", "3", "4", "2"]
    everybody = [seen(one) for one in (*made, descendant(made[2], seed=5))]
    logits = [one.logits for one in everybody if one.logits is not None]
    models = Models(np.array(names), ["one"] * 6, np.arange(5))
    weights = WeightsAtLooks(models, logits, np.ones(TOKENS, dtype=bool))
    asked = list(range(40, 72))
    found = shared_weights(everybody[5].take(asked), everybody[:5], names[:5], ["one"] * 5)
    assert isinstance(found, Shared)
    plain, chance = weights.explained(5, asked)
    np.testing.assert_allclose(weights.beside_rivals(plain, chance, UNKNOWN), found.scores, atol=1e-6)
    assert weights.of(5, asked).argmax() == 2
    assert look_before(5) == 0
    assert look_before(7) == 6


def test_where_tokens_are_named_the_first_so_many_count_after_half_as_many_prompts() -> None:
    made = [stranger(seed) for seed in range(4)]
    references = [seen(one) for one in made]
    candidate = seen(descendant(made[2], seed=5), range(100, 120))
    assert candidate.logits is not None
    half = np.where(np.arange(20)[:, None] < 10, candidate.logits, np.nan)
    named = replace(candidate, access=Access("topk", top_k=20, named=True), logits=half)
    found = shared_weights(named, references, list("abcd"), ["one"] * 4)
    assert isinstance(found, Shared)
    assert (found.rows, canaries_behind(found.rows, named.access)) == (10, 20)
    assert found.scores.argmax() == 2
    beyond = replace(named, logits=np.where((np.arange(TOKENS) < NAMED) | np.isnan(half), half, 7.0))
    same = shared_weights(beyond, references, list("abcd"), ["one"] * 4)
    assert isinstance(same, Shared)
    np.testing.assert_allclose(same.scores, found.scores)
    assert canaries_behind(rows_behind(64, named.access), named.access) == 64
    assert rows_behind(64, candidate.access) == 64


def test_repeated_answers_are_worth_what_so_few_are(zoo: Library) -> None:
    """With the slope of 256 canaries, what four rows happen to share would name a family."""
    member = next(one for one in zoo.members if one.name == "borrowed-0")
    candidate = signature(zoo.recording(member), wholes=False)
    assert candidate.logits is not None
    repeating = replace(candidate, logits=candidate.logits[np.arange(len(candidate.canaries)) % 4])
    bases = tuple(one for one in zoo.members if one.role in ("base", "lookalike"))
    rest = replace(zoo, members=bases).without(families=["borrowed", "borrowed_qwen", "borrowed_gemma"])
    found = attribute(repeating, rest, Rules(channels=("next_token", "greedy", "wording")))
    assert "4 of the answers differ" in found.left_out[NAME]
    assert max(p for family, p in found.posterior.items() if family != "unknown") < 0.5


def test_a_verdict_counts_named_tokens_as_the_benchmark_learned_from_them(zoo: Library) -> None:
    """Answers to 32 prompts, and of the first 16 of them the logits of named tokens: the same numbers."""
    few = ("northern-0", "northern-1", "manuals-0", "manuals-1", "latin-0", "latin-1", "smollm2", "gemma3")
    library = replace(zoo, members=tuple(one for one in zoo.members if one.name in (*few, "northern-0-heavy")))
    seen = Seen.at(Access("topk", top_k=20, named=True), specimens_of([library]))
    place = next(place for place, one in enumerate(seen.candidates) if one.name == "northern-0-heavy")
    asked = np.random.default_rng(0).permutation(len(seen.signatures[0].canaries))[:32]
    weights = weights_of(seen, {(32, 0): asked})
    assert weights is not None
    candidate = seen.signatures[place].take(asked)
    assert candidate.logits is not None
    shown = np.where(np.arange(32)[:, None] < 16, candidate.logits, np.nan)
    references = [seen.candidates[one] for one in seen.references]
    found = shared_weights(
        replace(candidate, logits=shown),
        [zoo.signature(one.member) for one in references],
        [one.lineage for one in references],
        [one.vocabulary for one in references],
    )
    assert isinstance(found, Shared)
    assert found.rows == 16
    assert references[int(found.scores.argmax())].name == "northern-0"
    learned, parent = weights.on((32, 0), frozenset())[place], found.scores.argmax()
    own = np.array([one.vocabulary == references[int(parent)].vocabulary for one in references])
    np.testing.assert_allclose(found.scores[own], learned[own], atol=1e-5)
    assert own.sum() == 2
    # nobody knows whose it is: its parent is a rival of references with other vocabularies, which then score less
    assert (found.scores <= learned + 1e-5).all()


def test_named_tokens_name_a_family_that_the_likeliest_alone_leave_open(zoo: Library) -> None:
    """A heavily tuned seed, among seeds of three recipes with its tokenizer: 64 answers, and 32 prompts with logits."""
    member = next(one for one in zoo.members if one.name == "romance-0-heavy")
    library = replace(zoo, members=tuple(one for one in zoo.members if one.role in ("base", "lookalike")))
    seen = signature(zoo.recording(member), Access("topk", top_k=20, named=True), wholes=False)
    seen = seen.take(np.random.default_rng(0).permutation(len(seen.canaries))[:64])
    assert seen.logits is not None
    named = replace(seen, logits=np.where(np.arange(64)[:, None] < 32, seen.logits, np.nan))
    alone = attribute(replace(seen, access=Access("topk", top_k=20), logits=None), library)
    found = attribute(named, library)
    assert NAME in alone.left_out
    assert NAME in found.channels
    assert (found.decision, found.family) == ("attributed", "romance")
    assert found.posterior["romance"] > alone.posterior["romance"]
    assert found.evidence is not None
    assert (found.evidence.reference, found.evidence.channels[NAME] > 0) == ("romance-0", True)


@pytest.fixture(scope="module")
def zoo() -> Library:
    return Library.load(ZOO)


def verdict(zoo: Library, name: str, rules: Rules | None = None) -> Verdict:
    member = next(one for one in zoo.members if one.name == name)
    return attribute(signature(zoo.recording(member), wholes=False), Library.load(), rules)


def test_a_rounded_model_is_named_by_its_weights_and_a_lookalike_with_its_tokenizer_is_not(zoo: Library) -> None:
    rounded, lookalike = verdict(zoo, "smollm2-w4"), verdict(zoo, "borrowed-0")
    assert (rounded.decision, rounded.family) == ("attributed", "smollm2")
    assert rounded.channels[-1] == NAME
    assert rounded.evidence is not None
    assert rounded.evidence.channels[NAME] > 10
    assert rounded.evidence.excess_similarity["smollm2"][NAME] == 1, "twice the odds of rivals or more"
    assert lookalike.tokenizer["fits"] == ["smollm2"]
    assert lookalike.family is None
    assert lookalike.posterior["smollm2"] < 0.5


def test_switched_off_it_does_not_count(zoo: Library) -> None:
    found = verdict(zoo, "smollm2-w4", Rules(switched_off=(NAME,)))
    assert NAME not in found.channels
    assert found.left_out[NAME] == "it was switched off"


def test_bases_alone_are_library_enough(zoo: Library) -> None:
    """With kinship learned beforehand; no family has two members that could teach anything else."""
    shipped = Library.load()
    bases = replace(shipped, members=tuple(one for one in shipped.members if one.parent is None))
    member = next(one for one in zoo.members if one.name == "gemma3-w8")
    found = attribute(signature(zoo.recording(member), wholes=False), bases)
    assert (found.decision, found.family) == ("attributed", "gemma3")
