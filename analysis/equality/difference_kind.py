"""What kind of difference two recordings show, where the evidence allows: never part of the decision, which comes
first.

The rules were set by eye on three real models and their descendants (docs/equality.md has the table); they are
descriptions, not tests with an error rate.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from analysis.equality.paired import Paired, pair
from analysis.equality.paired_tops import Top
from analysis.libraries.library import Library
from probes.errors import RecordingError
from probes.recording import Recording

Name = Literal["quantization", "substitution", "system_prompt", "sampling", "undetermined"]
STRANGERS = 0.2
"""Mean distance of unrelated models at the top 20 (`analysis.equality.paired_tops`): 0.196 to 0.231 between the three
shipped."""
SLIGHT, FOREIGN = 0.4, 0.9
"""Shares of the strangers' distance: below the first a difference may be quantization, from the second on another
model."""
OFTEN = 0.2
"""Share of prompts whose length may change otherwise than the rest behind a system prompt, which can take the place of
one that a chat template has (a tenth behind two personas); with another family's tokenizer it was 0.58 to 0.85."""
EVEN = 3.6
"""Ninth decile of the distances over their median, at most so much where a change spreads evenly over canaries: 2.5 to
3.4 for rounding, noise and pruning, 3.3 to 6.2 for two of three light fine-tunes and behind a persona."""


@dataclass(frozen=True)
class Kind:
    """The kind of a difference, and why it is said in words."""

    name: Name
    why: str


def kind_of(one: Recording, other: Recording, paired: Paired, library: Library | None = None) -> Kind:
    """Name the kind of difference between two recordings that were found different."""
    found = _of_lengths(one, other) or (_of_temperature(paired) if paired.basis == "tops" else _of_spread(paired))
    if found is not None:
        return found
    if paired.basis == "draws":
        return Kind("undetermined", "sampled answers don't tell a changed model from another; 'kinprint attribute' may")
    nearer = _nearer_family(one, other, paired, library) if library is not None else None
    return nearer or _of_size(paired)


def _of_lengths(one: Recording, other: Recording) -> Kind | None:
    """What the numbers of prompt tokens say, where both sides gave them for at least eight canaries."""
    theirs = {c.digest: other.greedy[c.id].prompt_tokens for c in other.suite.canaries if c.id in other.greedy}
    mine = {c.digest: one.greedy[c.id].prompt_tokens for c in one.suite.canaries if c.id in one.greedy}
    both = [(a, b) for digest, a in mine.items() if a and (b := theirs.get(digest))]
    longer = np.array([b - a for a, b in both])
    if len(longer) < 8 or not longer.any():
        return None
    usual = int(np.median(longer))
    odd = int((longer != usual).sum())
    if odd <= OFTEN * len(longer) and usual:
        return Kind(
            "system_prompt",
            f"prompts are {abs(usual)} tokens {'longer' if usual > 0 else 'shorter'} whatever they say: another system "
            "prompt or chat template, which may hide what else differs",
        )
    if odd > len(longer) / 2:
        return Kind("substitution", f"{odd} of {len(longer)} prompts are cut into other tokens: another tokenizer")
    return None


def _of_temperature(paired: Paired) -> Kind | None:
    """Whether the logprobs of one side are those of the other, divided by a temperature."""
    logs = [_centred_logs(a, b) for a, b in paired.tops if len(a.keys() & b.keys()) > 2]
    if not logs:
        return None
    x, y = np.concatenate(logs, axis=1)
    slope = float((x @ y) / (x @ x))
    unexplained = float(((y - slope * x) ** 2).sum() / (y @ y))
    if abs(np.log(max(slope, 1e-6))) < 0.05 or unexplained > 1e-3:
        return None
    return Kind("sampling", f"the logprobs are the same ones at a temperature of {1 / slope:.2g}")


def _centred_logs(one: Top, other: Top) -> npt.NDArray[np.float64]:
    """Log probabilities of the tokens that both show, each side centred: [2, n_tokens]."""
    tokens = sorted(one.keys() & other.keys())
    logs = np.log([[max(side[token], 1e-12) for token in tokens] for side in (one, other)])
    centred: npt.NDArray[np.float64] = logs - logs.mean(axis=1, keepdims=True)
    return centred


def _of_spread(paired: Paired) -> Kind | None:
    """Whether sampled answers are more, or less, alike among themselves, though the greedy ones are the same."""
    from scipy.stats import ttest_rel

    within = np.array([draws.within for draws in paired.draws])
    if paired.agree.mean() < 0.95 or np.ptp(within[:, 1] - within[:, 0]) == 0:
        return None
    test = ttest_rel(within[:, 1], within[:, 0])
    if test.pvalue > 0.001:
        return None
    more = "more" if test.statistic > 0 else "less"
    return Kind(
        "sampling", f"greedy answers agree, and sampled ones are {more} alike among themselves: temperature or top-p"
    )


def _nearer_family(one: Recording, other: Recording, paired: Paired, library: Library) -> Kind | None:
    """Whether the two are nearest to bases of different families, the second nearer to its own than to the first."""
    mine, theirs = _nearest(one, library), _nearest(other, library)
    if mine is None or theirs is None or mine[0] == theirs[0] or theirs[1] >= paired.distances.mean():
        return None
    return Kind("substitution", f"one is nearest to the family {mine[0]}, the other to {theirs[0]}")


def _nearest(recording: Recording, library: Library) -> tuple[str, float] | None:
    """The family whose base answers most alike, and how far away it is; None if no base was asked the same."""
    apart = []
    for member in (member for member in library.members if member.parent is None):
        reference = library.recording(member)
        if reference.folder.resolve() == recording.folder.resolve():
            return member.family, 0.0
        try:
            paired = pair(recording, reference)
        except RecordingError:  # as where it was asked chats only
            continue
        if paired.basis == "tops":
            apart.append((float(paired.distances.mean()), member.family))
    return min(apart)[::-1] if apart else None


def _of_size(paired: Paired) -> Kind:
    apart = paired.distances
    share, decile, median = apart.mean() / STRANGERS, *np.quantile(apart, [0.9, 0.5])
    if share >= FOREIGN:
        return Kind("substitution", "they are as far apart as unrelated models")
    if share <= SLIGHT and decile <= EVEN * median:
        return Kind(
            "quantization",
            "small and spread evenly over the canaries, as rounding, noise or pruning of the weights makes it; "
            "a light fine-tune can look so too",
        )
    return Kind(
        "undetermined", "nearer than unrelated models and not as even as rounding: a fine-tune, a prompt or a relative"
    )
