"""On what a verdict's probabilities rest, and the set of families that they amount to."""

from collections.abc import Mapping

from analysis.attribution.conformal import LEVEL, fewest_lineages
from analysis.attribution.rules import Rules
from analysis.kinship.fitted import Fit, FittedKinship
from analysis.libraries.library import Library
from analysis.verdict import Calibration, FamilySet

_PROVISIONAL_BELOW = 20  # lineages: under this many, a measured reliability would say next to nothing


def calibration(library: Library, fitted: FittedKinship | None = None, fit: Fit | None = None) -> Calibration:
    """How the probabilities came about: by a `fit` learned beforehand, or from the library's own references."""
    if fitted is not None and fit is not None:
        basis = (
            f"logistic regression on pairs of models of {len(fitted.lineages)} lineages ({fitted.library}), "
            "measured on lineages held out"
        )
        return Calibration(basis, fit.lineages, dict(fit.reliability))
    families = {member.family for member in library.population}
    n_members = len(library.population)
    basis = f"logistic regression on pairs of {n_members} references of {len(families)} families"
    if len(families) < _PROVISIONAL_BELOW:
        basis = f"provisional: {basis}; too few lineages to measure how reliable the probabilities are"
    return Calibration(basis, len(families))


def family_set(
    rules: Rules, fitted: FittedKinship | None, fit: Fit | None, posterior: Mapping[str, float]
) -> FamilySet:
    """The conformal set of labels, or why there is none."""
    if fitted is None or fit is None:
        return FamilySet(LEVEL, None, "there is no set: how reliable these probabilities are was not measured")
    if (rules.unknown_prior, rules.doubt, rules.family_prior) != (fitted.unknown_prior, fitted.doubt, None):
        why = "sets are calibrated for the prior and the doubt that kinship was measured with"
        return FamilySet(fit.level, None, f"there is no set: {why}")
    if fit.sets is None:
        needed = fewest_lineages(fit.level)
        why = f"it takes {needed} lineages to calibrate one, and there were {fit.lineages}"
        return FamilySet(fit.level, None, f"there is no set: {why}")
    members = fit.sets(posterior)
    held = {sort: fit.reliability.get(f"set_coverage_{sort}") for sort in ("known", "unknown")}
    measured = ", ".join(f"{share:.0%} of {sort} ones" for sort, share in held.items() if share is not None)
    words = fit.sets.in_words(members, len(posterior))
    return FamilySet(fit.level, members, f"{words}; of candidates held out, sets held the truth for {measured}")


def more_than_measured(library: Library, fitted: FittedKinship | None) -> list[str]:
    """A warning where the library has more families than strangers' chances were measured with."""
    n = len(library.sizes or library.families)
    if fitted is None or n <= len(fitted.families):
        return []
    measured = len(fitted.families)
    return [f"the library has {n} families; how often a stranger is named was measured with {measured} only"]
