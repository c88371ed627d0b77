"""What a suspect is judged by that never saw it: references, innocents and fitted coefficients without its lineage."""

from dataclasses import dataclass, replace
from pathlib import Path

from analysis.attribution.rules import Rules, without_tokenizer
from analysis.benchmark.fitting import BUDGETS, fit_all
from analysis.benchmark.specimens import specimens_of
from analysis.benchmark.splits import outside
from analysis.kinship.fitted import FittedKinship
from analysis.libraries.library import REFERENCES, Library
from analysis.signatures.observation import access_of
from analysis.signatures.signature import signature
from probes.recording import Recording
from runners.zoo.models import FROM_ZOO
from runners.zoo.parentage import library_member


@dataclass(frozen=True)
class HeldOut:
    """A library as if nothing of a `lineage` were in it, but for the `parent` that an accusation names.

    So of a true descendant's lineage the parent alone remains, none of its other descendants, and of an innocent's
    nothing; `kept` is that, and `others` lacks the parent too where it is of that lineage.
    """

    kept: Library
    others: Library
    lineage: str

    @classmethod
    def of(cls, library: Library, model: str, parent: str | None) -> "HeldOut":
        """Of the lineage of `model`; a model that is none of the zoo's is a lineage of its own."""
        lineage = lineage_of_model(model)
        there = [one for one in specimens_of([library]) if outside(one, frozenset({lineage}))]
        names = {one.name for one in there}
        others = tuple(one for one in library.members if one.name in names)
        kept = tuple(one for one in library.members if one.name in names or one.name == parent)
        return cls(replace(library, members=kept), replace(library, members=others), lineage)

    @property
    def references(self) -> Library:
        """Bases, lookalikes and siblings: whom a family is told by. No descendant of anybody helps."""
        return replace(self.kept, members=tuple(one for one in self.kept.members if one.role in REFERENCES))

    def rules(self, recording: Recording, rules: Rules, kept: Path) -> Rules:
        """The rules with kinship learned from everybody else, for what the recording shows; written to `kept`.

        What ships is taken where it never saw the lineage. Where too little is answered to learn for, kinship is
        learned from the references, without the tokenizer.
        """
        if rules.kinship is not None and self.lineage not in FittedKinship.load(rules.kinship).lineages:
            return rules
        candidate = signature(recording, wholes=False)
        others = self.others.asked(candidate)
        answered = len(others.shared_prompts(candidate))
        sizes = [size for size in BUDGETS if size <= answered]
        if not sizes:
            return replace(rules, kinship=None, channels=without_tokenizer(rules.channels))
        access = replace(access_of(recording), continued=False)
        fit_all(specimens_of([others]), others.version, accesses=(access,), budgets=sizes[-1:]).save(kept)
        return replace(rules, kinship=str(kept))


def lineage_of_model(model: str) -> str:
    """The independent training that a model's weights come from, where the zoo knows it; else the model itself."""
    from runners.zoo.made import zoo_members

    name, members = model.removeprefix(FROM_ZOO), zoo_members()
    known = model.startswith(FROM_ZOO) and name in members
    return (library_member(name, members).lineage if known else None) or name
