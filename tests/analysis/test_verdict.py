"""The verdict as a public file."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from analysis.attribution.attribute import Rules, attribute
from analysis.libraries.library import Library
from analysis.signatures.signature import Signature, signature
from analysis.verdict import Calibration, Verdict
from probes.manifest import Tier
from tests.recordings import MadeUp, make_up, suite_of, write_recording

PUBLIC = {
    "schema",
    "candidate",
    "tier",
    "suite",
    "decision",
    "family",
    "posterior",
    "queries",
    "tokens",
    "seconds",
    "calibration",
    "warnings",
    "library",
    "version",
}


def recorded(folder: Path, model: MadeUp, tier: Tier = "topk", **how: Any) -> Signature:
    return signature(write_recording(folder, model, tier, **how))


def test_the_file_is_the_public_format_and_reads_back(folder: Path, made_up_library: Library, tmp_path: Path) -> None:
    decided = attribute(recorded(folder, make_up(0, 9), name="org/né\u2028"), made_up_library, Rules(attributed_at=0.8))
    silent = attribute(
        recorded(folder.with_name("b"), make_up(0, 9), silent=[asked.id for asked in suite_of(24).canaries]),
        made_up_library,
    )
    for verdict in (decided, silent):
        verdict.save(tmp_path / "new" / "verdict.json")
        values = json.loads((tmp_path / "new" / "verdict.json").read_text("utf-8"))
        assert set(values) >= PUBLIC
        assert set(values["calibration"]) == {"basis", "lineages", "reliability"}
        assert values["schema"] == 1
        assert Verdict.from_json(values) == verdict
        assert [path.name for path in (tmp_path / "new").iterdir()] == ["verdict.json"]
    assert (decided.queries, decided.seconds, decided.tokens) == (24, 1.5, 150)
    assert silent.posterior == {}


def test_what_is_not_a_number_is_never_written(tmp_path: Path) -> None:
    verdict = Verdict(
        "c", "topk", "s", "unknown", None, {"unknown": math.nan}, 1, 1, 1.0, Calibration("b", 1), "l", "", 1
    )
    with pytest.raises(ValueError, match="not JSON compliant"):
        verdict.save(tmp_path / "verdict.json")
    assert list(tmp_path.iterdir()) == []
