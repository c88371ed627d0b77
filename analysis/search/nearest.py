"""Attribution against a library of any size: a sketch finds a few hundred, the kinship orders them, the nearest decide.

The verdict is that of `attribute` on the nearest alone, with the whole library's families and how many members each
has: members that are not near count as strangers, and families that are not near keep their share of the prior.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from analysis.attribution.attribute import attribute
from analysis.attribution.beside_channels import fit_for
from analysis.attribution.rules import Rules, check, without_tokenizer
from analysis.kinship.beside_rivals import counted_with
from analysis.kinship.classifier import KinshipClassifier, fit_kinship
from analysis.kinship.fitted import FittedKinship, LinearKinship
from analysis.kinship.pairing import Pairing
from analysis.libraries.library import Library
from analysis.search.compare import Query
from analysis.search.index import SearchIndex
from analysis.search.narrowed import Compared, Learned, Narrowed, unpacked
from analysis.search.packed import CHANNELS
from analysis.search.shelf import Shelf
from analysis.search.sketch import sketch, weighted
from analysis.signatures.signature import Signature, align
from analysis.verdict import Verdict
from probes.errors import LibraryError

SHORTLIST = 64
"""References of which the full kinship is computed, the ones nearest by their sketches."""
NEAREST, RIVALS = 10, 3
"""References that the verdict is reached with, and the nearest of so many other families."""
Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Found:
    """References of one shelf, the nearest first, with their log-likelihood ratios in nats [n].

    `compared`: how like the candidate they are, in the same order; nothing where they are too many to be kept.
    """

    shelf: Shelf
    rows: npt.NDArray[np.intp]
    nats: Values
    compared: tuple[Compared, ...] = field(default=(), repr=False)


@dataclass
class Search:
    """Attributes candidates to the references of an index; what is learned for one access is kept for the next."""

    index: SearchIndex
    rules: Rules = field(default_factory=Rules)
    shortlist: int = SHORTLIST
    _learned: Learned = field(default_factory=dict, repr=False)
    _panels: dict[str, Library] = field(default_factory=dict, repr=False)

    def attribute(self, candidate: Signature) -> Verdict:
        """The verdict on a candidate. Raises LibraryError if nobody was asked what it was."""
        return attribute(candidate, self.narrowed(candidate), self.rules)

    def narrowed(self, candidate: Signature) -> Narrowed:
        """The library of the references nearest to a candidate."""
        return self._narrowed(candidate, self.nearest(candidate))

    def nearest(self, candidate: Signature) -> list[Found]:
        """The nearest references of each shelf that can answer."""
        shelves = self.index.asked(candidate)
        if not shelves:
            raise LibraryError(
                f"the library at {self.index.folder} was not recorded with the canaries of suite {candidate.suite!r}"
            )
        return [self.nearest_on(shelf, candidate) for shelf in shelves]

    def nearest_on(self, shelf: Shelf, candidate: Signature, shortlist: int | None = None) -> Found:
        """The nearest of one shelf, of those that the sketches leave; `shortlist` as large as the shelf: of all."""
        kinship = Kinship.of(self, shelf, candidate)
        there = np.flatnonzero(self.index.there(shelf))
        most = self.shortlist if shortlist is None else shortlist
        rows = there if len(there) <= most else kinship.by_sketch(shelf, there, most)
        nats, similarity = kinship.nats(shelf, rows)
        order = np.argsort(-nats, kind="stable")
        kept = similarity[order] if len(similarity) == len(order) else similarity[:0]
        return Found(shelf, rows[order], nats[order], kinship.compared(shelf, candidate, kept))

    def panel(self, shelf: Shelf) -> Library:
        """The population of a shelf, its recordings read once."""
        key = shelf.folder.name
        if key not in self._panels:
            self._panels[key] = self.index.panel(shelf)
        return self._panels[key]

    def _narrowed(self, candidate: Signature, found: Sequence[Found]) -> Narrowed:
        """The library of the nearest. Where weights count, of their recordings, and with the population as rivals."""
        largest = max(found, key=lambda one: one.shelf.count)
        panel, members = self.panel(largest.shelf), {}
        packed: dict[str, Signature] = {}
        compared: dict[str, Compared] = {}
        for one, place in chosen(found):
            shelf, row = one.shelf, int(one.rows[place])
            member = shelf.member(row)
            members[member.name] = member
            if one.compared:
                compared[member.name] = one.compared[place]
            if not candidate.access.shows_logits and set(self.rules.channels) <= set(CHANNELS):
                packed[member.name] = unpacked(shelf.packed(row), member, shelf, candidate)
        if not packed:
            members |= {member.name: member for member in panel.members}
        return Narrowed(
            self.index.folder,
            self.index.version,
            tuple(members.values()),
            panel._signatures,
            panel._opened,
            panel=panel,
            whole=self.index.sizes,
            packed=packed,
            learned=self._learned,
            compared=compared,
        )


def chosen(found: Sequence[Found]) -> list[tuple[Found, int]]:
    """Those that decide, by their places among the found: the nearest, and the nearest of a few other families."""
    every = [(one, place) for one in found for place in range(len(one.rows))]
    every.sort(key=lambda of: -of[0].nats[of[1]])
    kept = every[:NEAREST]
    families = {_family(*one) for one in kept}
    enough = len(families) + RIVALS
    for one in every[NEAREST:]:
        if len(families) < enough and _family(*one) not in families:
            families.add(_family(*one))
            kept.append(one)
    return kept


def _family(found: Found, place: int) -> str:
    return found.shelf.families[int(found.shelf.family_of[found.rows[place]])]


@dataclass(frozen=True)
class Kinship:
    """The kinship of one candidate with a shelf's references, learned beforehand or from the shelf's population."""

    query: Query
    sketch: npt.NDArray[np.float32]
    pairing: Pairing
    kinship: KinshipClassifier | LinearKinship

    @classmethod
    def of(cls, search: Search, shelf: Shelf, candidate: Signature) -> "Kinship":
        """With what counts as `analysis.attribution.attribute` has it, but for what only recordings show."""
        panel, rules = search.panel(shelf), search.rules
        check(replace(rules, family_prior=None), panel)
        asked = set(shelf.digests)
        [aligned] = align([candidate], [digest for digest in candidate.digests if digest in asked])
        fed = [name for name in rules.channels if name in CHANNELS and name in candidate.channels]
        channels = tuple(name for name in fed if name not in rules.switched_off)
        fitted = None if rules.kinship is None else FittedKinship.load(rules.kinship)
        fit = fit_for(fitted, aligned, (*channels, *counted_with(channels, aligned.access.tier)))
        if fit is None:
            channels = without_tokenizer(channels)
            fit = fit_for(fitted, aligned, (*channels, *counted_with(channels, aligned.access.tier)))
        if not channels:
            raise LibraryError(f"the recording of {candidate.name} feeds none of the channels that a search looks at")
        pairing = Pairing(channels)
        narrowed = Narrowed(
            panel.folder, panel.version, panel.members, panel=panel, whole={}, packed={}, learned=search._learned
        )
        if fit is None:
            both = panel.both_ways(aligned.digests, aligned.access)
            families = [member.family for member in panel.population]
            kinship: KinshipClassifier | LinearKinship = fit_kinship(pairing, *both, families, rules.regularisation)
        else:
            narrowed.learn(pairing, aligned.digests, aligned.access)
            kinship = LinearKinship(fit.kinship.slopes[: len(channels)], fit.intercept)
        place = {digest: column for column, digest in enumerate(aligned.digests)}
        background = np.zeros((len(channels), len(shelf.digests)))
        rows = [row for row, digest in enumerate(shelf.digests) if digest in place]
        background[:, rows] = pairing.background_[:, [place[shelf.digests[row]] for row in rows]]
        in_order = Pairing(channels)
        in_order.background_ = background
        return cls(Query.of(aligned, shelf.digests), sketch(aligned), in_order, kinship)

    def by_sketch(self, shelf: Shelf, there: npt.NDArray[np.intp], most: int) -> npt.NDArray[np.intp]:
        """The rows that are nearest by their sketches, among those that are there."""
        slopes = np.maximum(self.kinship.slopes, 0)
        possible = (1 - self.pairing.background_).sum(axis=1)
        weights = dict(zip(self.pairing.channels, (slopes / possible).tolist(), strict=True))
        query = weighted(self.sketch, weights)
        if not query.any():
            query = self.sketch
        scores = np.full(shelf.count, -np.inf, np.float32)
        scores[there] = (shelf.sketches @ query)[there]
        return np.sort(np.argpartition(-scores, most)[:most])

    def nats(self, shelf: Shelf, rows: npt.NDArray[np.intp]) -> tuple[Values, Values]:
        """Log-likelihood ratios for "kin" of the candidate with these references: [n_rows]; and the similarities
        [n_rows, n_channels, n_prompts], of the last ones alone if they are more than are compared together."""
        features, similarity = np.empty((len(rows), len(self.pairing.channels))), np.empty((0, 0, 0))
        for start in range(0, len(rows), SHORTLIST):
            packed = [shelf.packed(row) for row in rows[start : start + SHORTLIST].tolist()]
            similarity = self.query.similarities(packed, self.pairing.channels)
            features[start : start + SHORTLIST] = self.pairing.beyond_background(similarity).sum(axis=2)
        return self.kinship.decision_function(features), similarity

    def compared(self, shelf: Shelf, candidate: Signature, similarity: Values) -> tuple[Compared, ...]:
        """Similarities [n_rows, n_channels, n_prompts] by the prompts that a candidate was asked, in its order."""
        place = {digest: row for row, digest in enumerate(shelf.digests)}
        asked = tuple(digest for digest in candidate.digests if digest in place)
        columns = [place[digest] for digest in asked]
        return tuple(Compared(self.pairing.channels, asked, one[:, columns]) for one in similarity)
