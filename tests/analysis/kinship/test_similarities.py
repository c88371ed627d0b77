"""Many models at a time, the affinities are those of the channel, pair by pair."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from analysis.channels import all_channels
from analysis.kinship.similarities import Tensor, similarities
from analysis.signatures.observation import Access
from analysis.signatures.signature import Signature, signature
from tests.recordings import make_up, write_recording

CHANNELS = ("next_token", "greedy", "wording")


def pair_by_pair(signatures: Sequence[Signature], channels: Sequence[str]) -> Tensor:
    """What the channels say of every two signatures: [n_channels, n, n, n_canaries]."""
    nothing = np.full(len(signatures[0].canaries), np.nan)
    found = [
        [
            [
                all_channels()[name].similarity(one.channels[name], other.channels[name])
                if name in one.channels and name in other.channels
                else nothing
                for other in signatures
            ]
            for one in signatures
        ]
        for name in channels
    ]
    return np.array(found, dtype=np.float32)


@pytest.mark.parametrize("access", [Access("logits"), Access("topk", 5), Access("text", draws=4)], ids=lambda a: a.tier)
def test_all_at_once_is_pair_by_pair(tmp_path: Path, access: Access) -> None:
    made = [make_up(family, member) for family in range(3) for member in range(2)]
    silent = [["c-003"], [], ["c-007"], [], [], []]
    recordings = [
        write_recording(tmp_path / one.name, one, sampled=True, silent=none)
        for one, none in zip(made, silent, strict=True)
    ]
    seen = [signature(one, access, wholes=False) for one in recordings]
    expected = pair_by_pair(seen, CHANNELS)[:, :, [0, 3, 5]]
    np.testing.assert_allclose(similarities(seen, [seen[0], seen[3], seen[5]], CHANNELS), expected, atol=1e-5)
    assert np.isnan(expected).any()


def test_few_and_many_draws_are_put_beside_distributions(tmp_path: Path) -> None:
    """Each pair is divided by what its own numbers of draws would reach."""
    made = [make_up(0), make_up(0, 1), make_up(1)]
    recordings = [write_recording(tmp_path / one.name, one, sampled=True) for one in made]
    accesses = (Access("logits"), Access("text", draws=3), Access("text", draws=8))
    seen: list[Signature] = [signature(one, two, False) for one, two in zip(recordings, accesses, strict=True)]
    expected = pair_by_pair(seen, CHANNELS[:1])
    np.testing.assert_allclose(similarities(seen, seen, CHANNELS[:1]), expected, atol=1e-5)


def test_who_lacks_a_channel_has_no_similarity(tmp_path: Path) -> None:
    one = signature(write_recording(tmp_path / "one", make_up(0)))
    other = signature(write_recording(tmp_path / "other", make_up(1)))
    other.channels.pop("next_token")
    found = similarities([one, other], [one], CHANNELS)
    assert not np.isnan(found[0, 0]).any()
    assert np.isnan(found[0, 1]).all()
    assert not np.isnan(found[1, 1]).any()


def test_where_nobody_has_a_distribution_there_is_no_affinity(tmp_path: Path) -> None:
    """As on a chat, which the channel leaves out: nothing is known there, rather than that nothing is alike."""
    seen = [signature(write_recording(tmp_path / str(one), make_up(one)), wholes=False) for one in range(2)]
    for one in seen:
        one.channels["next_token"]["bins"][5] = np.nan
    np.testing.assert_allclose(similarities(seen, seen, CHANNELS), pair_by_pair(seen, CHANNELS), atol=1e-5)


def test_what_has_no_form_of_its_own_is_compared_once_a_pair(tmp_path: Path) -> None:
    seen = [signature(write_recording(tmp_path / str(one), make_up(one)), wholes=False) for one in range(3)]
    names = [name for name in all_channels() if any(name in one.channels for one in seen)]
    assert set(names) > set(CHANNELS)
    expected = pair_by_pair(seen, names)
    np.testing.assert_allclose(similarities(seen, seen, names), expected, atol=1e-5)
    once = np.where(np.tri(3, dtype=bool)[:, :, None], expected.swapaxes(1, 2), expected)
    np.testing.assert_allclose(similarities(seen, seen, names, mirrored=True), once, atol=1e-5)
