"""A report with every section in it, whose every text is somebody's: spoiled as far as the formats allow."""

from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from analysis.attribution.posterior_growth import Step
from analysis.descent.evidence import DescentEvidence
from analysis.libraries.library import Library, save_index
from analysis.report.html import render_report
from analysis.report.weight_measures import WeightMeasure, WeightMeasures
from analysis.trees.family_tree import FamilyTree
from analysis.trees.tree import average_linkage, neighbour_joining
from analysis.verdict import FamilySet, Shown, Verdict
from probes.recording import Recording
from probes.suite import Suite
from tests.analysis.report.samples import KINDS, MEMBERS, SUITE, record, verdict_of

SPOILT = "\u202e\"'><script>a()</script><img src=x onerror=a()></style></svg>{{7111*7}}{0}%s\u200b\x1b[31m\x00"
_KEPT = {"decision", "tier", "rung"}  # of a few words that are known


def page(folder: Path, language: str = "en") -> str:
    """The page, in a language."""
    canaries = [
        replace(one, id=one.id + SPOILT, kind=one.kind + SPOILT, why=SPOILT, text=one.text and one.text + SPOILT)
        for one in SUITE.canaries
    ]
    suite = Suite(f"tiny{SPOILT}", tuple(canaries))
    members = tuple(replace(one, name=spoil(one.name), family=spoil(one.family)) for one in MEMBERS)
    for member in members:
        record(folder / "library", member.name, [f" said{SPOILT}", ""], suite)
    save_index(folder / "library", f"tiny-1{SPOILT}", members)
    recording = record(folder / "candidate", f"shell{SPOILT}", [f" said{SPOILT}", "", f"else{SPOILT}"], suite)
    verdict: Verdict = spoil(_full(recording))
    assert verdict.evidence is not None
    rows = tuple(replace(row, id=canary.id) for row, canary in zip(verdict.evidence.canaries, canaries, strict=True))
    evidence = replace(verdict.evidence, canaries=rows)
    measure = WeightMeasure(SPOILT, 0.5, SPOILT, 1, 40, 0.1, 5, 9, SPOILT)
    return render_report(
        replace(verdict, candidate=recording.manifest.candidate, evidence=evidence),
        recording,
        Library.load(folder / "library"),
        _tree(),
        weights=WeightMeasures(f"a{SPOILT}", f"b{SPOILT}", (measure,), SPOILT),
        growth=[Step(8, "inconclusive", verdict.posterior), Step(12, "attributed", verdict.posterior)],
        language=language,
    )


def spoil(value: Any, key: str = "") -> Any:
    """The same with every text spoilt, those apart that are of a few words."""
    if isinstance(value, str):
        known = key in _KEPT or value in ("unknown", "model", "rank")
        return value if known else value + SPOILT
    if isinstance(value, dict):
        return {spoil(name): spoil(one) for name, one in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(spoil(one) for one in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{one.name: spoil(getattr(value, one.name), one.name) for one in fields(value)})
    return value


def _full(recording: Recording) -> Verdict:
    """A verdict with something in every field."""
    verdict = verdict_of(recording, "attributed")
    reliability = {"set_coverage_known": 0.9, "set_coverage_unknown": 1.0, "calibration_error": 0.05}
    return replace(
        verdict,
        calibration=replace(verdict.calibration, reliability=reliability),
        tokenizer={"fits": ["smollm2", "gemma3"], "collisions": ["smollm2", "gemma3"]},
        left_out={"surprisal": "it was not recorded"},
        without_tokenizer={"smollm2": 0.9, "unknown": 0.1},
        shown=(Shown("rivals", "descent", {"z": 2.0}, "smollm2", "smollm2"), Shown("habits", "habits", {"n": 1.0})),
        conduct={"cached": "draws are identical"},
        noise_floor=0.25,
        family_set=FamilySet(0.9, ("smollm2", "unknown"), "smollm2 or unknown"),
        stopped_because="the budget was spent",
        descent=(
            DescentEvidence(
                "smollm2", "shared_ancestry", "because", "logits", 0.8, 0.05, 1e-9, 2e-9, 1e6, "model", 3, 18, 0.15
            ),
            DescentEvidence("gemma3", "undecidable", "too few", "logits"),
        ),
    )


def _tree() -> FamilyTree:
    far = np.array([[0, 0.2, 0.9], [0.2, 0, 0.9], [0.9, 0.9, 0]])
    return FamilyTree(
        names=(f"a{SPOILT}", f"b{SPOILT}", f"c{SPOILT}"),
        families=(f"one{SPOILT}", f"one{SPOILT}", None),
        distances=far,
        dendrogram=average_linkage(far),
        neighbour_joining=neighbour_joining(far),
        canaries=9,
        tier="topk",
        channels=KINDS[:1],
        library=f"tiny{SPOILT}",
        replicates=0,
        left_out={SPOILT: SPOILT},
        delta=None,
    )
