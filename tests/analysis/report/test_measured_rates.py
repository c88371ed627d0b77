"""Rates are those of the benchmark's rows, at a budget that was measured."""

from pathlib import Path

import pytest

from analysis.report.measured_rates import NAMES, MeasuredRates, save_rates
from probes.errors import KinprintError


def row(name: str, value: float | None) -> dict[str, object]:
    return {"name": name, "value": value, "unit": "share", "low": 0.1, "high": 0.9, "n": 7}


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    rows = [row("family_accuracy/topk/16", 0.5), row("family_accuracy/topk/64", 0.7), row("set_size/topk/16", 1.5)]
    rows += [row("unknown_rejected/topk/16", None), {"name": "members_missing/all/0", "value": 1.0}]
    save_rates(rows, "kinprint bench lineage x", tmp_path / "rates.json")
    rates = MeasuredRates.load(tmp_path / "rates.json")
    assert len(rates.rates) == 2
    at = [rates.at("family_accuracy", "topk", budget) for budget in (8, 16, 63, 300)]
    assert [None if one is None else one.value for one in at] == [None, 0.5, 0.5, 0.7]
    assert rates.at("family_accuracy", "text", 64) is None
    assert rates.at("unknown_rejected", "topk", 64) is None


def test_those_shipped_say_how_sure_they_are() -> None:
    rates = MeasuredRates.load().rates
    assert {one.name for one in rates} == set(NAMES)
    for one in rates:
        assert one.n > 0
        assert one.low is not None
        assert one.high is not None
        assert 0 <= one.low <= one.value <= one.high <= 1


@pytest.mark.parametrize("text", ["", "[]", '{"schema": 9, "rates": []}', '{"schema": 1, "rates": [{"name": "x"}]}'])
def test_another_file_is_refused_in_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(KinprintError, match=r"holds no measured rates .*--rates FILE"):
        MeasuredRates.load(tmp_path / "x.json")
