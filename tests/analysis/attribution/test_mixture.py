"""An endpoint that switches between models is noticed, and no single model is taken for one: on the real references."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.attribution.mixture import Mixture, find_mixture
from analysis.kinship.pairing import Pairing
from analysis.libraries.library import Library
from analysis.signatures.observation import Access
from analysis.signatures.signature import Signature

ACCESS = {"logits": Access("logits"), "topk": Access("topk", 20), "text": Access("text", 0, 4)}


class Bench:
    """The shipped references as one access sees them, each comparable with the others as if it were not among them."""

    def __init__(self, tier: str, canaries: int | None = None) -> None:
        library = Library.load()
        self.members = [member for member in library.members if "-chat" not in member.name]
        digests = library.signature(self.members[0]).digests
        digests = digests[:: len(digests) // canaries] if canaries else digests
        self.seen = library.signatures(self.members, digests, ACCESS[tier])
        self.references = library.signatures(self.members, digests)
        self.families = [member.family for member in self.members]
        self.pairing = Pairing()
        self.pairing.fit(self.seen, self.references, self.families)

    def without(self, *places: int) -> tuple[Pairing, list[str], list[Signature]]:
        left = [place for place in range(len(self.members)) if place not in places]
        pairing = Pairing()
        families = [self.families[place] for place in left]
        pairing.learn([[self.pairing.similarity_[i][j] for j in left] for i in left], families)
        return pairing, families, [self.references[place] for place in left]

    def look(self, candidate: Signature, *places: int) -> Mixture:
        pairing, families, references = self.without(*places)
        return find_mixture(pairing, families, candidate, references, families)

    def strangers(self, rng: np.random.Generator) -> tuple[int, int]:
        while True:
            one, other = rng.choice(len(self.members), 2, replace=False).tolist()
            if self.families[one] != self.families[other]:
                return one, other


def switched(one: Signature, other: Signature, share: float, rng: np.random.Generator) -> Signature:
    """Every request goes to `one` with probability `share`, else to `other`; each draw is a request of its own."""
    first = rng.random(len(one.canaries)) < share
    channels = {}
    for name, arrays in one.channels.items():
        theirs = other.channels[name]
        channels[name] = {
            key: np.where(first.reshape(-1, *[1] * (value.ndim - 1)), value, theirs[key])
            for key, value in arrays.items()
            if value.shape == theirs[key].shape
        }
    if one.access.draws:
        channels["next_token"]["bins"] = _drawn(one, other, share, rng)
    kept = {name: channels[name] for name in Pairing().channels}
    return replace(one, channels=kept)


def _drawn(one: Signature, other: Signature, share: float, rng: np.random.Generator) -> np.ndarray:
    """First characters of draws, some of either model: [n_canaries, n_bins] frequencies."""
    n, parts = one.access.draws, []
    taken = rng.binomial(n, share, len(one.canaries))
    for signature, counts in ((one, taken), (other, n - taken)):
        had = np.rint(np.nan_to_num(signature.channels["next_token"]["bins"]) * n).astype(int)
        parts.append(
            [rng.multivariate_hypergeometric(row, min(c, row.sum())) for row, c in zip(had, counts, strict=True)]
        )
    bins = (np.array(parts[0]) + np.array(parts[1])) / n
    return np.where(np.isnan(one.channels["next_token"]["bins"]), np.nan, bins).astype(np.float32)


def noticed(bench: Bench, share: float, times: int) -> float:
    rng, found = np.random.default_rng(0), []
    for _ in range(times):
        one, other = bench.strangers(rng)
        candidate = switched(bench.seen[one], bench.seen[other], share, rng)
        found.append(bench.look(candidate, one, other))
    return float(np.mean([mixture.noticed for mixture in found]))


def warned(bench: Bench) -> list[str]:
    """Those members that are taken for a mixture by the others."""
    looks = [bench.look(one, place) for place, one in enumerate(bench.seen)]
    return [member.name for member, look in zip(bench.members, looks, strict=True) if look.noticed]


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench("topk", canaries=99)


def test_no_reference_is_taken_for_a_mixture_and_half_and_half_is_noticed(bench: Bench) -> None:
    assert warned(bench) == []
    assert noticed(bench, 0.5, 8) >= 0.85


def test_a_model_of_no_known_family_is_not_taken_for_a_mixture(bench: Bench) -> None:
    for family in sorted(set(bench.families)):
        places = [place for place, one in enumerate(bench.families) if one == family]
        pairing, families, references = bench.without(*places)
        for place in places[:2]:
            assert not find_mixture(pairing, families, bench.seen[place], references, families).noticed


def test_the_shares_say_how_much_is_like_whom(bench: Bench) -> None:
    one, other = (bench.families.index(family) for family in ("smollm2", "gemma3"))
    candidate = switched(bench.seen[one], bench.seen[other], 0.5, np.random.default_rng(1))
    mixture = bench.look(candidate, one, other)
    assert set(mixture.shares) == {"smollm2", "gemma3"}
    assert min(mixture.shares.values()) > 0.3


def test_nothing_is_said_of_a_candidate_that_answered_next_to_nothing(bench: Bench) -> None:
    silent = {name: {**arrays} for name, arrays in bench.seen[0].channels.items()}
    silent["next_token"]["bins"] = np.full_like(silent["next_token"]["bins"], np.nan)
    silent["greedy"]["length"] = np.full_like(silent["greedy"]["length"], np.nan)
    silent["wording"]["known"] = np.zeros_like(silent["wording"]["known"])
    assert bench.look(replace(bench.seen[0], channels=silent), 0).gain == 0


@pytest.mark.slow
@pytest.mark.parametrize(("tier", "fair", "uneven"), [("logits", 0.95, 0.8), ("topk", 0.9, 0.5), ("text", 0.75, 0.25)])
def test_how_often_a_mixture_is_noticed(tier: str, fair: float, uneven: float) -> None:
    bench = Bench(tier)
    false, half, fifth = warned(bench), noticed(bench, 0.5, 60), noticed(bench, 0.8, 60)
    print(f"\nmixture, tier {tier}: warned {len(false)} of {len(bench.members)}, noticed {half:.0%} of 50:50 and "
          f"{fifth:.0%} of 80:20")  # fmt: skip
    assert false == []
    assert half >= fair
    assert fifth >= uneven
