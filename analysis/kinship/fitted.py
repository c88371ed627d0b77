"""Kinship as it was learned from a library of known lineages: plain coefficients in a file, with how reliable they are.

What was learned is worth of a similarity beyond that of strangers, and no family's name: the file serves any library.
It holds one fit for each access, number of canaries and choice of channels, and of each what was measured on lineages
that it had not seen.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from analysis.attribution.conformal import ConformalSets
from analysis.signatures.observation import Access
from probes.errors import LibraryError
from probes.write_whole import write_whole

SHIPPED = "shipped"
SCHEMA = 4


@dataclass(frozen=True)
class LinearKinship:
    """A fitted classifier of pairs: nats for "kin" against "strangers", linear in the features."""

    slopes: npt.NDArray[np.float64]
    intercept: float

    def decision_function(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Log-likelihood ratios (n_pairs,) of pair features X (n_pairs, n_features)."""
        scores: npt.NDArray[np.float64] = np.asarray(X, dtype=np.float64) @ self.slopes + self.intercept
        return scores


@dataclass(frozen=True)
class Fit:
    """Coefficients for one access, at least `canaries` canaries, and these channels in this order, after them what
    counts beside channels (`analysis.kinship.beside_rivals`, `shared_weights`, `partial_coefficients`).

    `seen`: top tokens at tier `topk`, sampled answers at `text`, 0 at `logits`. `reliability`: what was measured on
    lineages held out, by name. `most`: the posterior mass that a set at `level` may hold beyond its first label, None
    where too few lineages were there to calibrate one.
    """

    tier: str
    seen: int
    canaries: int
    channels: tuple[str, ...]
    slopes: tuple[float, ...]
    intercept: float
    lineages: int
    reliability: dict[str, float]
    level: float
    most: float | None

    @property
    def kinship(self) -> LinearKinship:
        return LinearKinship(np.array(self.slopes), self.intercept)

    @property
    def sets(self) -> ConformalSets | None:
        return None if self.most is None else ConformalSets(self.level, self.most, self.lineages)


@dataclass(frozen=True)
class FittedKinship:
    """All fits of a file, and what they were learned from: `lineages` and `families` by name, `made_by` by version.

    `unknown_prior` and `doubt` are the settings under which reliability was measured; `shared_tokenizers` is the share
    of strangers that were taken to share a tokenizer, `erased` that of kin that were taken to answer like strangers.
    """

    fits: tuple[Fit, ...]
    lineages: tuple[str, ...]
    families: tuple[str, ...]
    library: str
    unknown_prior: float
    doubt: float
    shared_tokenizers: float
    erased: float
    made_by: dict[str, str]
    schema: int = SCHEMA

    @classmethod
    def load(cls, path: str | Path = SHIPPED) -> Self:
        """Raises LibraryError if there is no such file, or it is not one of these."""
        place = files("analysis").joinpath("kinship.json") if str(path) == SHIPPED else Path(path)
        try:
            values = json.loads(place.read_text("utf-8"))
            if values["schema"] != SCHEMA:
                raise LibraryError(
                    f"{path} has schema {values['schema']}, not {SCHEMA}; make it anew with 'kinprint fit'"
                )
            values["fits"] = tuple(_fit(one) for one in values["fits"])
            found = cls(**{**values, "lineages": tuple(values["lineages"]), "families": tuple(values["families"])})
        except OSError as error:
            raise LibraryError(f"the fitted kinship {path} can't be read: {error.strerror or error}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise LibraryError(f"{path} is no fitted kinship as 'kinprint fit' writes it: {error}") from error
        return found

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        write_whole(path, json.dumps(asdict(self), indent=1, ensure_ascii=False, allow_nan=False) + "\n")

    def at(self, access: Access, canaries: int, channels: Sequence[str]) -> Fit | None:
        """The fit nearest to what a candidate showed, of those that showed no more; None if there is none."""
        seen = {"logits": 0, "topk": access.top_k, "text": access.draws}[access.tier]
        usable = [
            one
            for one in self.fits
            if one.tier == access.tier
            and one.channels == tuple(channels)
            and one.seen <= seen
            and one.canaries <= canaries
        ]
        return max(usable, key=lambda one: (one.seen, one.canaries), default=None)


def _fit(values: dict[str, Any]) -> Fit:
    """Raises ValueError for coefficients that are no finite numbers, one a channel."""
    found = Fit(**{**values, "channels": tuple(values["channels"]), "slopes": tuple(values["slopes"])})
    whole = (found.seen, found.canaries, found.lineages)
    if not all(isinstance(one, int) for one in whole) or not 0 < found.level < 1:
        raise ValueError(f"the fit for {found.tier} counts {whole} and has level {found.level}")
    if not isinstance(found.reliability, dict) or not np.isfinite(1.0 if found.most is None else found.most):
        raise ValueError(f"the fit for {found.tier} has no reliability, or sets that are no sets")
    if len(found.slopes) != len(found.channels) or not np.isfinite([*found.slopes, found.intercept]).all():
        raise ValueError(f"its coefficients for {found.tier}, {found.canaries} canaries are not one number a channel")
    return found
