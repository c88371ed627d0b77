"""The descent test: does a candidate share weight ancestry with a named parent, or was it trained independently?

The null hypothesis is the second, by whatever recipe: the parent's own with another seed, or on its answers. What such
models score is known from the library: its lookalikes, siblings, bases, students and framed models, each against every
reference of another lineage than its own, on the rows and tokens that the candidate gave (analysis.descent.innocents).

The evidence has to follow the weights and not what they say (analysis.descent.spaces, analysis.descent.residuals). An
access that shows none of that kind gives `undecidable`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from analysis.descent.aligned import NAMED, aligned_logits, common_tokens, rows_shown
from analysis.descent.evidence import Decision, DescentEvidence
from analysis.descent.innocents import Innocents
from analysis.descent.likeliest import Likeliest, likeliest
from analysis.descent.null import FEWEST_LINEAGES, Spread, e_value, holm, p_value
from analysis.descent.residuals import ResidualScores
from analysis.descent.rivals import UNKNOWN, Matrix, Models, Places, same_vocabulary
from analysis.descent.scores import SpaceScores
from analysis.descent.spaces import FEWEST_ROWS, space_of
from analysis.libraries.library import REFERENCES, TAUGHT, Library, Member
from analysis.one_thread import one_thread
from analysis.signatures.chosen_logits import last_logits, vocabulary_of
from analysis.signatures.signature import prompts_asked
from analysis.signatures.unfed import Unfed
from probes.errors import LibraryError
from probes.recording import Recording

TEXT_DECIDES_NOTHING = (
    "sampled text follows the data that a model was trained on and shows nothing that follows its weights; the "
    "logprobs of chosen tokens would decide (tier=chosen or logits), or those of the likeliest (tier=topk)"
)


@one_thread()
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
        """Of all members whose weights are of their own, and the parents, that were asked what the candidate was."""
        prompts = set(prompts_asked(candidate))
        wanted = [one for one in library.members if one.role in (*REFERENCES, *TAUGHT) or one in parents]
        members = [one for one in wanted if prompts & library.prompts(one)]
        if missing := [one.name for one in parents if one not in members]:
            raise LibraryError(f"{missing[0]} and the candidate were asked no prompt in common")
        chosen = [p for p, one in enumerate(members) if one.role in REFERENCES or one in parents]
        recordings = [*(library.recording(one) for one in members), candidate]
        lineages = np.array([*(library.lineage(one) for one in members), UNKNOWN])
        vocabularies = [vocabulary_of(one) for one in recordings]
        models = Models(lineages, vocabularies, np.array(chosen, dtype=np.intp))
        asked = [one.digest for one in candidate.suite.canaries if one.digest in prompts]
        others = sorted({digest for one in members for digest in library.prompts(one)} - set(asked))
        named = [members.index(one) for one in parents]
        scores, access, why_not = _scores(recordings, models, named, [*asked, *others], len(asked))
        places = np.array([chosen.index(place) for place in named], dtype=np.intp)
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
        innocents = self._innocents
        lineages = innocents.kinds["strangers"].lineages if "strangers" in innocents.kinds else 0
        evidence = replace(evidence, effect=score, controls=int(innocents.controls[column]), lineages=lineages)
        if reason := innocents.too_few(column, parent.name) or too_few_students(innocents, self.access):
            return replace(evidence, reason=reason)
        return self._weigh(evidence, score, innocents.null(column))

    def _weigh(self, evidence: DescentEvidence, score: float, null: dict[str, Spread]) -> DescentEvidence:
        found, basis = p_value(score, null)
        most = max(spread.most for spread in null.values())
        students = "" if "taught" in null else " (no students among them)"
        foreign = null.get("vocabularies")
        alone = f"; {foreign.lineages} other vocabularies stand in for that of {evidence.parent}" if foreign else ""
        return replace(
            evidence,
            innocents=most,
            p_value=found,
            e_value=e_value(found),
            basis=basis,
            bound=max(spread.bound(score) for kind, spread in null.items() if kind != "vocabularies"),
            reason=f"it shares {score:.2f} with {evidence.parent} beyond what rivals do; the most that an innocent "
            f"shared with anybody is {most:.2f}{students}{alone}",
        )

    @cached_property
    def _innocents(self) -> Innocents:
        """Everybody but the candidate whose weights are of their own, whoever is the parent."""
        lineage_of = {one.name: str(self.models.lineages[row]) for row, one in enumerate(self.members)}
        rows = [row for row, one in enumerate(self.members) if one.role in (*REFERENCES, *TAUGHT)]
        teachers = [lineage_of.get(one) if (one := self.members[row].taught_by) else None for row in rows]
        columns = np.arange(len(self.models.references))
        return Innocents.of(self.models, self.scores, np.array(rows, dtype=np.intp), columns, teachers)

    def _incomparable(self, parent: Member) -> str:
        if self.access == "logits":
            return (
                f"too few answers that differ are of prompts that {parent.name} was asked as well, or of tokens that "
                "it has"
            )
        names = self.models.vocabularies
        if names[-1] is None:
            return "the candidate's tokenizer is not known, so its likeliest tokens can't be matched with the parent's"
        if names[-1] != names[self.members.index(parent)]:
            return f"its tokenizer is not that of {parent.name}; ask for the logprobs of chosen tokens (tier=chosen)"
        return (
            f"too few answers are of prompts that {parent.name} was asked as well, or the library has too few other "
            "models with that tokenizer; the logprobs of chosen tokens would do without them (tier=chosen)"
        )


def too_few_students(innocents: Innocents, access: str) -> str:
    """Why students don't suffice at an access that needs them; empty if they do, or aren't needed."""
    if access == "topk" and not innocents.enough_taught:
        return (
            "from the likeliest tokens alone a student of the parent can't be told from a descendant, and the "
            f"library has fewer than {FEWEST_LINEAGES} students to measure it on; ask for the logprobs of chosen "
            "tokens (tier=chosen)"
        )
    return ""


def _scores(
    recordings: Sequence[Recording], models: Models, parents: Sequence[int], prompts: Sequence[str], asked: int
) -> tuple[Matrix, str, str]:
    """Everybody's scores on the candidate's prompts, the access that they took, and why there are none.

    The first `asked` of the prompts are the candidate's; references are known by their answers to all.
    """
    nothing = np.full((len(recordings), len(models.references)), np.nan)
    logits = logits_compared(recordings, parents, prompts)
    shown = rows_shown(logits[-1], asked)
    if logits[-1] is not None and len(shown) >= FEWEST_ROWS:
        # a candidate whose rows repeat shows fewer directions than rows; nobody is scored on more than it
        directions = len(space_of(logits[-1][shown]))
        return SpaceScores(models, logits)(shown, most=directions), "logits", ""
    known: list[Likeliest | None] = [likeliest(one, prompts) for one in recordings]
    candidate = known[-1]
    if candidate is not None:
        there = [np.zeros((0, 0), np.float32) if one is not None else None for one in known]
        given = (candidate.tokens > 0).sum(axis=1)
        canaries = np.flatnonzero(given[:asked])
        scores = ResidualScores(models, known, same_vocabulary(models, there), top=int(given.max()))
        return scores(canaries), "topk", ""
    return nothing, "text", TEXT_DECIDES_NOTHING


def logits_compared(
    recordings: Sequence[Recording], parents: Sequence[int], prompts: Sequence[str]
) -> list[npt.NDArray[np.float32] | None]:
    """Of the common tokens that would be named, those that parents and the last recording hold; None for those that
    hold none, or lack one of them."""
    found = [last_logits(recording) for recording in recordings]
    held = [one.tokens for place in (*parents, -1) if not isinstance(one := found[place], Unfed)]
    if len(held) <= len(parents):
        return [None] * len(recordings)
    return aligned_logits(found, recordings, common_tokens(held, NAMED), prompts)
