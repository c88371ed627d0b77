"""How likely one model finds the beginning of another's greedy answer: looked up by spelling, longest first."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from analysis.attribution.rules import Rules
from analysis.channels import all_channels
from analysis.channels.interface import Arrays
from analysis.kinship.beside_rivals import Rivals, next_tokens, standing
from analysis.libraries.library import ZOO, Library
from analysis.signatures.observation import Access, Observation
from analysis.signatures.unfed import Unfed
from probes.canary import Message
from tests.recordings import canary
from tests.signatures import extracted

CHANNEL = all_channels()["greedy_token"]
HALF = float(np.log(0.5))
ALL = Rules().channels


def begins(*answers: bytes | None, **changes: Any) -> Arrays:
    """What somebody shows of whom nothing but greedy answers is known."""
    return extracted("greedy_token", observed(answers, **changes))


def observed(answers: tuple[bytes | None, ...], **changes: Any) -> Observation:
    size = len(answers)
    nothing: npt.NDArray[Any] = np.full(size, np.nan, np.float32)
    seen = Observation(
        tuple(canary(number) for number in range(size)),
        Access("text"),
        nothing[:, None],
        nothing,
        np.zeros(size, np.int64),
        None,
        None,
        {},
        answers,
        nothing,
    )
    return replace(seen, **changes)


def likely(*tokens: tuple[bytes, float]) -> Arrays:
    """A reference of whose first tokens after one canary these are known, with their logprobs, from the top."""
    spelled = dict(enumerate(spelling for spelling, _ in tokens))
    return begins(
        b"whatever",
        token_ids=np.arange(len(tokens))[None],
        logprobs=np.array([[logprob for _, logprob in tokens]]),
        spelled=spelled,
    )


REFERENCE = likely((b" the", -1.0), (b" ", -2.0), (b" there", -3.0), (b"\xe4\xb8\xad", -4.0), (b"x" * 20, -5.0))


@pytest.mark.parametrize(
    ("answer", "logprob"),
    [
        (b" the end", -1.0),
        (b" therefore", -3.0),  # not " the", and then "re"
        (b" a", -2.0),
        ("中文".encode(), -4.0),
        (b"x" * 40, -5.0),  # longer than what is looked at
        (b"the end", -5.0),  # unknown: no likelier than the least likely that is known
        (b" th", -2.0),  # an answer that is shorter than a token
    ],
)
def test_the_longest_token_that_an_answer_begins_with_is_looked_up(answer: bytes, logprob: float) -> None:
    [value] = CHANNEL.similarity(begins(answer), REFERENCE)
    assert value == pytest.approx(np.exp((logprob + 1) / 2))


def test_it_is_the_root_of_a_share_of_the_likeliest() -> None:
    reference = likely((b"yes", HALF - 3), (b"no", 2 * HALF - 3))
    assert CHANNEL.similarity(begins(b"yes"), reference) == pytest.approx([1])
    assert CHANNEL.similarity(begins(b"no"), reference) == pytest.approx([np.sqrt(0.5)])


def test_no_answer_is_no_similarity() -> None:
    both = {name: np.concatenate([values] * 3) for name, values in REFERENCE.items()}
    both["logprobs"][2] = -np.inf
    np.testing.assert_array_equal(CHANNEL.similarity(begins(b" the", None, b" the"), both), [1, np.nan, np.nan])
    np.testing.assert_array_equal(CHANNEL.similarity(begins(b"", b" the", b""), both), [np.nan, 1, np.nan])


def test_where_a_space_may_have_been_lost_nothing_is_said() -> None:
    assert np.isnan(CHANNEL.similarity(begins(b"the", continued=np.array([True])), REFERENCE)).all()


def test_of_who_shows_no_distribution_nothing_is_said() -> None:
    assert np.isnan(CHANNEL.similarity(REFERENCE, begins(b" the"))).all()


def test_chats_are_left_out() -> None:
    chat = replace(canary(0), text=None, messages=(Message("user", "Hello"),))
    found = CHANNEL.extract(observed((b"Hi",), canaries=(chat,)))
    assert isinstance(found, Unfed)


@pytest.fixture(scope="module")
def zoo() -> Library:
    return Library.load(ZOO)


def test_real_descendants_stand_out_at_their_base_from_greedy_answers_alone(zoo: Library) -> None:
    """One query a canary, no sampled answer, and no probability shown."""
    bases = [member for member in zoo.members if member.family == "northern" and member.role == "lookalike"]
    references = [zoo.signature(member) for member in bases]
    beside = Rivals.of([one.name for one in bases], ["northern"] * len(bases), [None] * len(bases))
    lights = [one for one in zoo.members if one.name.startswith("northern") and one.name.endswith("-light")]
    assert len(lights) >= 2
    for member in lights:
        seen = zoo.signature(member, Access("text"))
        family, _ = standing(beside.differences(next_tokens([seen], references, ALL)[0])).sum(axis=-1)
        assert bases[int(family.argmax())].name == member.parent
        assert family.max() > 4


def test_it_counts_without_sampled_answers_and_with_greedy_ones_alone(zoo: Library) -> None:
    """Who switches a channel off sees nothing of it here either."""
    references = [zoo.signature(one) for one in zoo.members[:4]]
    sampled, greedy = (zoo.signature(zoo.members[0], Access("text", draws=n)) for n in (4, 0))
    of_greedy = next_tokens([sampled], references, ("greedy", "wording"))
    np.testing.assert_array_equal(of_greedy, next_tokens([greedy], references, ALL))
    assert np.nanmax(of_greedy) == 1
    assert np.nanmax(next_tokens([sampled], references, ("next_token",))) <= 1
    assert np.isnan(next_tokens([greedy], references, ("next_token", "wording"))).all()


def test_it_counts_only_where_it_is_known_of_all_references(zoo: Library) -> None:
    """Beside rivals of whom less is known, a reference would stand out."""
    own, *references = [zoo.signature(one) for one in zoo.members[:4]]
    seen = zoo.signature(zoo.members[0], Access("text", draws=4))
    with_it = next_tokens([seen], references, ALL)
    assert np.nanmax(with_it) > 1
    less = replace(references[0], channels={**references[0].channels, "greedy_token": dict(begins(b"text"))})
    without = next_tokens([seen], [less, *references[1:]], ALL)
    assert np.nanmax(without) <= 1
    np.testing.assert_array_equal(  # and where a distribution is shown it says nothing new
        next_tokens([own], references, ALL), next_tokens([own], [less, *references[1:]], ALL)
    )
