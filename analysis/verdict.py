"""The verdict: what is said of a candidate, in the public format of `verdict.json`."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from analysis.descent.evidence import DescentEvidence
from probes.write_whole import write_whole

Decision = Literal["attributed", "unknown", "no_signal", "inconclusive"]
SCHEMA = 1


def kinprint_version() -> str:
    """The version of kinprint that is installed."""
    try:
        return version("kinprint")
    except PackageNotFoundError:
        return "unknown"


@dataclass(frozen=True)
class Calibration:
    """On what a probability rests: `basis` in words, `lineages` the independent ones it was fitted on.

    `reliability`: what was measured on lineages held out, by name; {} where it was not.
    """

    basis: str
    lineages: int
    reliability: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class FamilySet:
    """Labels (families, `unknown`) that hold the truth with probability `level`; `basis` says so in words, and on what
    that rests. `members` is None where no set can be given; then `basis` says why."""

    level: float
    members: tuple[str, ...] | None
    basis: str


@dataclass(frozen=True)
class CanaryEvidence:
    """What one canary said for the first family against the second, in decibans (10 log10 of the odds factor).

    `similarity` and `rival_similarity` are those to the best reference of either family, by channel.
    """

    id: str
    kind: str
    decibans: float
    similarity: dict[str, float | None]
    rival_similarity: dict[str, float | None]


@dataclass(frozen=True)
class Evidence:
    """Why the verdict is what it is: the best family's best reference beside that of the next best family."""

    family: str
    reference: str
    rival_family: str | None
    rival_reference: str | None
    channels: dict[str, float] = field(default_factory=dict)
    kinds: dict[str, float] = field(default_factory=dict)
    canaries: tuple[CanaryEvidence, ...] = ()
    log_likelihood_ratios: dict[str, float] = field(default_factory=dict)
    excess_similarity: dict[str, dict[str, float | None]] = field(default_factory=dict)


@dataclass(frozen=True)
class Shown:
    """What a channel that decides nothing says: named numbers, of the candidate alone or beside one reference.

    `rung` is the question that the numbers speak to; the channel's docstrings say what each of them means.
    """

    channel: str
    rung: str
    numbers: dict[str, float]
    reference: str | None = None
    family: str | None = None


@dataclass(frozen=True)
class Verdict:
    """The answer. `posterior` sums to 1 over the library's families and `unknown`, and is {} at `no_signal`.

    `reason` says in words why a decision other than `attributed` was taken. `seconds` leaves out the engine's start.
    The verdict rests on `channels`; `left_out` says of every other channel why it gave nothing, `shown` what those say
    that never decide. `without_tokenizer` is the posterior with every channel off that depends on the tokenizer, {}
    where none would be left. `conduct` names how the candidate behaved where that limits what can be said, with a
    sentence each: `constant`, `echo` and `random` (no signal), `mixture` and `cached` (warnings). `noise_floor` is the
    candidate's disagreement with itself: mean Jensen-Shannon divergence, in bits (0 to 1), between the first characters
    of two halves of its draws at one prompt, what so few draws differ by anyway included; None where none was repeated.
    `family_set`: the conformal set of labels, None at `no_signal`. `tokenizer`: `fits`, the families whose tokenizer
    cuts the prompts as the candidate's does, and `collisions`, those of them that can't be told apart by it.
    `stopped_because` says why a probe asked no more (`kinprint probe`), None where a whole suite was asked.
    """

    candidate: str
    tier: str
    suite: str
    decision: Decision
    family: str | None
    posterior: dict[str, float]
    queries: int
    tokens: int
    seconds: float
    calibration: Calibration
    library: str
    reason: str
    canaries: int
    channels: tuple[str, ...] = ()
    tokenizer: dict[str, list[str]] = field(default_factory=dict)
    evidence: Evidence | None = None
    left_out: dict[str, str] = field(default_factory=dict)
    without_tokenizer: dict[str, float] = field(default_factory=dict)
    shown: tuple[Shown, ...] = ()
    warnings: tuple[str, ...] = ()
    conduct: dict[str, str] = field(default_factory=dict)
    noise_floor: float | None = None
    family_set: FamilySet | None = None
    descent: tuple[DescentEvidence, ...] = ()
    stopped_because: str | None = None
    version: str = field(default_factory=kinprint_version)
    schema: int = SCHEMA

    @property
    def likeliest(self) -> str | None:
        """The label with the highest probability; None where there is no posterior."""
        return likeliest(self.posterior)

    def to_json(self) -> str:
        """The text of `verdict.json`."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    def save(self, path: Path) -> None:
        """Write `verdict.json`, whole or not at all."""
        write_whole(path, self.to_json())

    @classmethod
    def load(cls, path: Path) -> "Verdict":
        """The verdict that `save` wrote. Raises OSError, ValueError, KeyError or TypeError where it is none."""
        return cls.from_json(json.loads(path.read_text("utf-8")))

    def in_words(self) -> str:
        """The verdict in one sentence."""
        name, p = self.candidate, self.posterior
        match self.decision:
            case "attributed":
                return f"{name} descends from the {self.family} family (probability {percent(p[str(self.family)])})."
            case "unknown":
                known = ", ".join(family for family in p if family != "unknown")
                return f"{name} is of none of the known families ({known}; probability {percent(p['unknown'])})."
            case "inconclusive":
                return f"The answers of {name} don't settle its family: {self.reason}."
            case "no_signal":
                return f"No verdict on {name}: {self.reason}."

    def show(self) -> None:
        """Print the verdict as a table in the terminal (or the notebook)."""
        from analysis.report.terminal import show_verdict

        show_verdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Verdict":
        """The inverse of `to_json`, from parsed JSON."""
        values = dict(values)
        values["calibration"] = Calibration(**values["calibration"])
        if values.get("evidence") is not None:
            evidence = dict(values["evidence"])
            evidence["canaries"] = tuple(CanaryEvidence(**canary) for canary in evidence["canaries"])
            values["evidence"] = Evidence(**evidence)
        if values.get("family_set") is not None:
            family_set = dict(values["family_set"])
            members = family_set["members"]
            values["family_set"] = FamilySet(**{**family_set, "members": None if members is None else tuple(members)})
        values["descent"] = tuple(DescentEvidence(**one) for one in values.get("descent", ()))
        values["shown"] = tuple(Shown(**shown) for shown in values.get("shown", ()))
        for name in ("channels", "warnings"):
            values[name] = tuple(values.get(name, ()))
        return cls(**values)


def likeliest(posterior: Mapping[str, float]) -> str | None:
    """The label with the highest probability; None where there are no labels."""
    return max(posterior, key=lambda label: posterior[label]) if posterior else None


def percent(probability: float) -> str:
    """A probability for people: never rounded up to certainty."""
    if probability > 0.999:
        return "over 99.9%"
    if probability < 0.001:
        return "under 0.1%"
    return f"{100 * probability:.1f}%"
