"""Writing down and signing, before anything is asked, who will be asked what and how the answers will be judged."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from analysis.attribution.rules import Rules
from analysis.bundle.basis import KINSHIP
from analysis.bundle.commitment import Commitment, commit, library_subjects, subject, suite_entry
from analysis.bundle.contents import controls_of, kinship_file
from analysis.bundle.envelope import Subject
from analysis.libraries.library import Library
from analysis.signatures.observation import Access
from analysis.signatures.signature import Signature
from probes.errors import KinprintError
from probes.suite import Suite
from runners.backends.interface import utc_now
from runners.jobs.collect import name_of
from runners.settings import CandidateSettings, PlanSettings

CHOICES = ("whole", "informative", "random")
"""How canaries are chosen: all of a suite (`kinprint collect`), or in an order of `kinprint probe`."""


def signed_plan(
    settings: PlanSettings, suite: Suite, library: Library, rules: Rules, canaries: int, key: Ed25519PrivateKey
) -> bytes:
    """The plan as it is signed; `canaries` is the budget. Raises KinprintError if it does not say whom to ask."""
    if settings.model is None:
        raise KinprintError("a signed plan says whom it is about: set model=..., and base_url=... for an API")
    if settings.choice not in CHOICES:
        raise KinprintError(f"choice is one of {', '.join(CHOICES)}; it is {settings.choice!r}")
    parents = [settings.parent] if isinstance(settings.parent, str) else list(settings.parent or [])
    if settings.goal == "descent" and not parents:
        raise KinprintError("a signed plan for goal=descent names its parents: parent=..., or several as parent=[a,b]")
    served = Path(settings.model)
    tier = settings.tier
    commitment = Commitment(
        asked={
            "candidate": name_of(CandidateSettings(settings.model, settings.name)),
            "model": str(served.resolve()) if served.exists() else settings.model,
            "endpoint": settings.base_url,
            "tier": tier.name,
            "top_k": tier.top_k if tier.name == "topk" else None,
            "temperature": tier.temperature,
            "top_p": tier.top_p,
            "seed": settings.seed,
        },
        suite=suite_entry(suite),
        choice={"rule": settings.choice, "canaries": len(suite) if settings.choice == "whole" else canaries},
        judged={
            "rules": json.loads(json.dumps(asdict(replace(rules, kinship=rules.kinship and KINSHIP)))),
            "parents": parents,
            "alpha": settings.alpha,
            "left_out": asdict(settings.leave_out),
        },
        signed_at=utc_now(),
    )
    return commit(commitment, _subjects(settings.goal, suite, library, rules, parents), key)


def _subjects(goal: str, suite: Suite, library: Library, rules: Rules, parents: list[str]) -> list[Subject]:
    """The files that the verdict is to rest on: those of the members that were asked this suite."""
    if goal == "descent":
        return library_subjects("controls", controls_of({canary.digest for canary in suite.canaries}, library, parents))
    found = [] if rules.kinship is None else [subject(KINSHIP, kinship_file(rules.kinship))]
    return found + library_subjects("library", library.asked(_unanswered(suite)))


def _unanswered(suite: Suite) -> Signature:
    """The signature of somebody who was asked a suite and has not answered."""
    nothing = np.zeros(len(suite), dtype=bool)
    return Signature("nobody", Access("text"), suite.name, suite.canaries, {}, nothing, {}, 0, 0, 0.0)
