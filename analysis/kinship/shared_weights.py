"""Shared weights as evidence for a family: what a candidate scores with every reference, beside the channels.

Channels compare answers canary by canary; this compares the spaces that logits lie in (`analysis.descent.scores`), of
all canaries together. It takes logits, of every token or of those that were named, and whose weights are whose.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.descent.aligned import ENOUGH, NAMED, rows_shown
from analysis.descent.rivals import UNKNOWN, Models
from analysis.descent.scores import SpaceScores
from analysis.descent.spaces import FEWEST_ROWS, space_of
from analysis.signatures.observation import Access
from analysis.signatures.signature import Signature
from analysis.signatures.unfed import Unfed

NAME = "shared_weights"
"""Stands last among the channels of what was learned (`analysis.kinship.fitted`) where it counts."""
NAMED_AFTER = 0.5
"""The share of the canaries after which tokens are named where that takes requests of its own: as many in all as there
are canaries, at two a prompt."""
_COUNTED = 0.1
"""Of a score no more counts: twice the odds of rivals. Copies have hundreds, and beside these twice would be little."""
_NEARLY = 0.9


def rows_behind(canaries: int, access: Access) -> int:
    """After how many of so many canaries logits are looked at."""
    return canaries if access.tier == "logits" else int(canaries * NAMED_AFTER)


def canaries_behind(rows: int, access: Access) -> int:
    """How many canaries it takes to look at logits after so many."""
    return rows if access.tier == "logits" else int(rows / NAMED_AFTER)


@dataclass(frozen=True)
class Shared:
    """`scores` [n_references] as they count, 0 where one can't be compared; `rows`: as many answers that differ were
    looked at, None where repeated ones count."""

    scores: npt.NDArray[np.float64]
    rows: int | None = None


def shared_weights(
    candidate: Signature,
    references: Sequence[Signature],
    lineages: Sequence[str],
    vocabularies: Sequence[str | None],
) -> "Shared | Unfed":
    """What is shared with each reference, or why nothing can be said at all.

    `references` with all that they were asked, `lineages` and `vocabularies` theirs. One whose logits are not known
    scores 0, if those of another of its lineage are.
    """
    if candidate.logits is None:
        return Unfed("the logits of tokens that most vocabularies have were not recorded (tiers logits, chosen)")
    known = [place for place, one in enumerate(references) if one.logits is not None]
    told = {lineages[place] for place in known}
    if lacking := [one.name for one, lineage in zip(references, lineages, strict=True) if lineage not in told]:
        return Unfed(f"of the reference {lacking[0]} the logits of tokens that most vocabularies have are not known")
    everybody = (*(references[place] for place in known), candidate)
    sides = [one.logits for one in everybody if one.logits is not None]
    columns = tokens_compared(sides, candidate.access)
    if columns.sum() < ENOUGH:
        return Unfed(f"the logits of {columns.sum()} tokens are known of everybody, and {ENOUGH} are needed")
    asked = list(candidate.digests)
    prompts = [*asked, *sorted({digest for one in everybody for digest in one.digests} - set(asked))]
    logits = [_rows(side[:, columns], one.digests, prompts) for side, one in zip(sides, everybody, strict=True)]
    shown = rows_shown(logits[-1], len(asked))
    if len(shown) < FEWEST_ROWS:
        return Unfed(f"{len(shown)} of the answers differ, and {FEWEST_ROWS} have to")
    models = Models(
        np.array([*(lineages[place] for place in known), UNKNOWN]),
        [*(vocabularies[place] for place in known), None],
        np.arange(len(known)),
    )
    directions = len(space_of(logits[-1][shown]))
    explained = SpaceScores(models, logits).explained(shown, most=directions, about=len(known))
    scores = np.zeros(len(references))
    scores[known] = as_evidence(explained.beyond_rivals()[-1])
    return Shared(scores, len(shown))


def as_evidence(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """What counts of scores: 0 for nothing known and for no more than with rivals, 1 for twice the odds or more."""
    return np.clip(np.nan_to_num(scores) / _COUNTED, 0, 1)


def tokens_compared(sides: Sequence[npt.NDArray[np.float32]], access: Access) -> npt.NDArray[np.bool_]:
    """Tokens that everybody's logits [n_canaries, n_tokens] are known of, and that an access would show: [n_tokens]."""
    columns: npt.NDArray[np.bool_] = np.all([known_tokens(logits) for logits in sides], axis=0)
    if access.tier != "logits":
        columns[NAMED:] = False  # what they are worth was learned of so many
    return columns


def known_tokens(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Tokens whose logits [n_canaries, n_tokens] are known nearly wherever any are: [n_tokens]."""
    known = np.isfinite(logits)
    known_at_all = max(int(known.any(axis=1).sum()), 1)
    found: npt.NDArray[np.bool_] = known.sum(axis=0) >= _NEARLY * known_at_all
    return found


def _rows(logits: npt.NDArray[np.float32], digests: Sequence[str], prompts: Sequence[str]) -> npt.NDArray[np.float32]:
    """Logits [n_digests, n_tokens] after each of the prompts [n_prompts, n_tokens], NaN where they were not asked."""
    place = {digest: row for row, digest in enumerate(digests)}
    known = [row for row, digest in enumerate(prompts) if digest in place]
    found = np.full((len(prompts), logits.shape[1]), np.nan, np.float32)
    found[known] = logits[[place[prompts[row]] for row in known]]
    return found
