"""The descent test: does a candidate share weight ancestry with a named parent, or was it trained independently?

The null hypothesis is the second, by whatever recipe: the parent's own with another seed, or on its answers. What such
models score is known from the library: its lookalikes, siblings, bases, students and framed models, each against every
reference of another lineage than its own, on the rows and tokens that the candidate gave. Of these, `controls` are
those with the parent's vocabulary; all together, whatever their vocabulary, are the null.

The evidence has to follow the weights and not what they say (analysis.descent.spaces, analysis.descent.residuals). An
access that shows none of that kind gives `undecidable`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from analysis.chosen_logits import ChosenLogits, last_logits, vocabulary_of
from analysis.descent.evidence import Decision, DescentEvidence
from analysis.descent.null import FEWEST_CONTROLS, FEWEST_LINEAGES, Spread, controls_of, e_value, holm, null_of, p_value
from analysis.descent.residuals import Likeliest, likeliest, residual_correlations, residual_scores
from analysis.descent.scores import UNKNOWN, Matrix, Models, Places, SpaceScores, after_prompts, same_vocabulary
from analysis.descent.spaces import FEWEST_ROWS
from analysis.library import REFERENCES, TAUGHT, Library, Member
from analysis.signature import prompts_asked
from analysis.unfed import Unfed
from probes.errors import LibraryError
from probes.recording import Recording


def descent(
    candidate: Recording, library: Library, parents: Sequence[str], alpha: float = 0.01
) -> tuple[DescentEvidence, ...]:
    """Test one candidate against parents of the library, in the order given.

    Raises LibraryError for a parent that the library does not have, or if it was asked other prompts.
    """
    names = {member.name: member for member in library.members}
    if unknown := [name for name in parents if name not in names]:
        known = ", ".join(member.name for member in library.members if member.role in REFERENCES)
        raise LibraryError(f"the library at {library.folder} has no model {unknown[0]!r}; parents may be {known}")
    compared = _Comparison.of(candidate, library, [names[name] for name in parents])
    found = [compared.about(place) for place in range(len(parents))]
    tried = [one.p_value for one in found if one.p_value is not None]
    adjusted = iter(holm(tried).tolist())
    return tuple(one if one.p_value is None else _decided(one, next(adjusted), alpha, len(tried)) for one in found)


def _decided(evidence: DescentEvidence, p_adjusted: float, alpha: float, tried: int) -> DescentEvidence:
    decision: Decision = "shared_ancestry" if p_adjusted <= alpha else "independent_not_rejected"
    among = f" (of {tried} parents tried)" if tried > 1 else ""
    sides = f"p = {p_adjusted:.2g}{among}, {'at most' if p_adjusted <= alpha else 'above'} {alpha:g}"
    return replace(evidence, p_adjusted=p_adjusted, decision=decision, reason=f"{evidence.reason}; {sides}")


@dataclass
class _Comparison:
    """Everybody's scores with every reference: `scores` [n_members + 1, n_references], the candidate's last."""

    members: Sequence[Member]
    parents: Places
    models: Models
    scores: Matrix
    access: str
    why_not: str = ""

    @classmethod
    def of(cls, candidate: Recording, library: Library, parents: Sequence[Member]) -> "_Comparison":
        """Of all members that were asked what the candidate was."""
        prompts = set(prompts_asked(candidate))
        members = [one for one in library.members if prompts & library.prompts(one)]
        if missing := [one.name for one in parents if one not in members]:
            raise LibraryError(f"{missing[0]} and the candidate were asked no prompt in common")
        chosen = [p for p, one in enumerate(members) if one.role in REFERENCES or one in parents]
        recordings = [*(library.recording(one) for one in members), candidate]
        lineages = np.array([*(library.lineage(one) for one in members), UNKNOWN])
        vocabularies = [vocabulary_of(one) for one in recordings]
        models = Models(lineages, vocabularies, np.array(chosen, dtype=np.intp))
        asked = [one.digest for one in candidate.suite.canaries if one.digest in prompts]
        others = sorted({digest for one in members for digest in library.prompts(one)} - set(asked))
        scores, access, why_not = _scores(recordings, models, [*asked, *others], len(asked))
        places = np.array([chosen.index(members.index(one)) for one in parents], dtype=np.intp)
        return cls(members, places, models, scores, access, why_not)

    def about(self, number: int) -> DescentEvidence:
        """What there is about one parent, undecided but for what can't be."""
        column = int(self.parents[number])
        parent = self.members[int(self.models.references[column])]
        evidence = DescentEvidence(parent.name, "undecidable", "", self.access)
        if self.why_not:
            return replace(evidence, reason=self.why_not)
        score = float(self.scores[-1, column])
        if np.isnan(score):
            return replace(evidence, reason=self._incomparable(parent))
        null, controls = self._innocents[0], int(self._innocents[1][column])
        lineages = null["strangers"].lineages if "strangers" in null else 0
        evidence = replace(evidence, effect=score, controls=controls, lineages=lineages)
        if reason := self._too_little(null, controls, parent):
            return replace(evidence, reason=reason)
        return self._weigh(evidence, score, null)

    def _too_little(self, null: dict[str, Spread], controls: int, parent: Member) -> str:
        """Why innocents don't suffice to say anything; empty if they do."""
        if "strangers" not in null:
            return f"the library has fewer than {FEWEST_LINEAGES} independent trainings to compare with"
        if controls < FEWEST_CONTROLS:
            return (
                f"the library has {controls} independent trainings with the vocabulary of {parent.name}, and "
                f"{FEWEST_CONTROLS} are needed to know what shared data alone makes two of them share"
            )
        if self.access == "topk" and ("taught" not in null or null["taught"].lineages < FEWEST_LINEAGES):
            return (
                "from the likeliest tokens alone a student of the parent can't be told from a descendant, and the "
                f"library has fewer than {FEWEST_LINEAGES} students to measure it on; ask for the logprobs of chosen "
                "tokens (tier=chosen)"
            )
        return ""

    def _weigh(self, evidence: DescentEvidence, score: float, null: dict[str, Spread]) -> DescentEvidence:
        found, basis = p_value(score, null)
        most = max(spread.most for spread in null.values())
        students = "" if "taught" in null else " (no students among them)"
        return replace(
            evidence,
            innocents=most,
            p_value=found,
            e_value=e_value(found),
            basis=basis,
            bound=max(spread.bound(score) for spread in null.values()),
            reason=f"it shares {score:.2f} with {evidence.parent} beyond what rivals do; the most that an innocent "
            f"shared with anybody is {most:.2f}{students}",
        )

    @cached_property
    def _innocents(self) -> tuple[dict[str, Spread], npt.NDArray[np.intp]]:
        """The null, whoever is the parent, and the controls of each reference [n_references]: without the candidate."""
        taught_by = {one.name: str(self.models.lineages[row]) for row, one in enumerate(self.members)}
        rows = [row for row, one in enumerate(self.members) if one.role in (*REFERENCES, *TAUGHT)]
        teachers = [taught_by.get(self.members[row].teacher or "") for row in rows]
        scores, lineages = self.scores[rows], self.models.lineages[rows]
        theirs = self.models.lineages[self.models.references]
        return null_of(scores, lineages, theirs, teachers), controls_of(scores, lineages, theirs)

    def _incomparable(self, parent: Member) -> str:
        names = self.models.vocabularies
        if names[-1] is None:
            return "the candidate's tokenizer is not known, so its logits can't be matched with the parent's"
        if names[-1] != names[self.members.index(parent)]:
            return f"its tokenizer is not that of {parent.name}, so their logits are of other tokens"
        return f"too few answers are of prompts that {parent.name} was asked as well"


def _scores(
    recordings: Sequence[Recording], models: Models, prompts: Sequence[str], asked: int
) -> tuple[Matrix, str, str]:
    """Everybody's scores on the candidate's prompts, the access that they took, and why there are none.

    The first `asked` of the prompts are the candidate's; references are known by their answers to all.
    """
    nothing = np.full((len(recordings), len(models.references)), np.nan)
    logits = aligned_logits(recordings, prompts)
    shown = _rows_shown(logits[-1], asked)
    if len(shown) >= FEWEST_ROWS:
        return SpaceScores(models, logits)(shown), "logits", ""
    known: list[Likeliest | None] = [likeliest(one, prompts) for one in recordings]
    candidate = known[-1]
    if candidate is not None:
        there = [np.zeros((0, 0), np.float32) if one is not None else None for one in known]
        given = (candidate.tokens > 0).sum(axis=1)
        canaries = np.flatnonzero(given[:asked])
        correlations = residual_correlations(models, known, same_vocabulary(models, there), top=int(given.max()))
        return residual_scores(models, correlations, canaries), "topk", ""
    reason = (
        "sampled text follows the data that a model was trained on and shows nothing that follows its weights; the "
        "logprobs of chosen tokens would decide (tier=chosen or logits), or those of the likeliest (tier=topk)"
    )
    return nothing, "text", reason


def _rows_shown(logits: npt.NDArray[np.float32] | None, asked: int) -> Places:
    """Places of the prompts after which the candidate gave its logits: nobody is scored on more rows than it."""
    if logits is None:
        return np.zeros(0, dtype=np.intp)
    return np.flatnonzero(np.isfinite(logits[:asked]).all(axis=1))


def aligned_logits(recordings: Sequence[Recording], prompts: Sequence[str]) -> list[npt.NDArray[np.float32] | None]:
    """Logits of the tokens that all recordings of a vocabulary hold, after each prompt: [n_prompts, n_tokens]."""
    found = [last_logits(recording) for recording in recordings]
    chosen = [None if isinstance(one, Unfed) else one for one in found]
    shared: dict[int, npt.NDArray[np.int64]] = {}
    for one in chosen:
        if one is not None:
            shared[one.vocabulary] = np.intersect1d(shared.get(one.vocabulary, one.ids), one.ids)
    return [
        None if one is None else after_prompts(recording, _only(one, shared[one.vocabulary]), prompts)
        for recording, one in zip(recordings, chosen, strict=True)
    ]


def _only(chosen: ChosenLogits, ids: npt.NDArray[np.int64]) -> ChosenLogits:
    """The logits of these tokens alone, in this order; all of them are there."""
    order = np.argsort(chosen.ids, kind="stable")
    columns = order[np.searchsorted(chosen.ids[order], ids)]
    return replace(chosen, logits=chosen.logits[:, columns], tokens=chosen.tokens[columns], ids=ids)
