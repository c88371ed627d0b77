"""`kinprint bench lineage`: any part of the zoo is measured, rows have their form, and the page is made of them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from analysis.report.measured_rates import MeasuredRates
from runners.bench import lineage
from runners.bench.lineage import AIMS, missing_members
from runners.cli import main
from tests.made_up_zoo import write_zoo


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bench")
    write_zoo(folder / "zoo", size=16)
    patch = pytest.MonkeyPatch()
    patch.setattr(lineage, "embedded", lambda models: models)
    patch.setattr(lineage, "WORKERS", 1)  # in this process, where the patches hold
    files = ["--out", str(folder), "--docs", str(folder / "page.md"), "--rates", str(folder / "rates.json")]
    arguments = ["bench", "lineage", str(folder / "zoo"), *files]
    with patch.context():
        assert main(arguments) == 0
    patch.undo()
    return folder


@pytest.fixture(scope="module")
def rows(made: Path) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in json.loads((made / "lineage.json").read_text("utf-8"))}


def test_rows_have_intervals_numbers_and_targets(rows: dict[str, dict[str, Any]]) -> None:
    for name, row in rows.items():
        assert {"name", "value", "unit", "target", "holds"} <= row.keys()
        assert (row["target"] is None) == (row["holds"] is None)
        if name != "members_missing/all/0":
            assert re.fullmatch(r"([a-z0-9_.]+/)?[a-z_]+/(logits|topk|topk_chosen|text)/\d+", name)
            assert {"low", "high", "n"} <= row.keys()
    assert rows["family_accuracy/logits/16"]["target"] == {"op": ">=", "value": AIMS["family_accuracy/logits/16"][1]}
    assert rows["family_accuracy/logits/16"]["value"] == 1
    assert rows["family_accuracy/logits/8"]["target"] is None
    assert rows["family_accuracy/logits/8"]["n"] == 8


def test_budgets_beyond_the_suite_are_not_measured(rows: dict[str, dict[str, Any]]) -> None:
    assert {name.split("/")[-1] for name in rows} == {"8", "16", "0"}


def test_the_page_holds_the_rows_and_names_its_plots(made: Path, rows: dict[str, dict[str, Any]]) -> None:
    page = (made / "page.md").read_text("utf-8")
    row = rows["family_accuracy/text/16"]
    assert f"| `family_accuracy/text/16` | {row['value']:.3g} [{row['low']:.2f}, {row['high']:.2f}] n=8 |" in page
    for name in re.findall(r"\]\((page/[\w-]+\.svg)\)", page):
        assert (made / name).read_text("utf-8").startswith("<?xml")
    assert "members of the zoo were not there" in page
    assert "| phylolm |" in page


def test_what_a_report_tells_is_kept_apart(made: Path, rows: dict[str, dict[str, Any]]) -> None:
    rate = MeasuredRates.load(made / "rates.json").at("family_accuracy", "text", 40)
    assert rate is not None
    row = rows["family_accuracy/text/16"]
    assert [rate.budget, rate.value, rate.low, rate.high, rate.n] == [
        16,
        *(row[k] for k in ("value", "low", "high", "n")),
    ]


def test_members_that_are_planned_and_not_there_are_named() -> None:
    assert {"smollm2", "manuals-0", "smollm2-cool"} <= set(missing_members([]))


@pytest.mark.parametrize("option", ["--docs", "--rates"])
def test_only_lineage_writes_a_page_and_rates(capsys: pytest.CaptureFixture[str], option: str) -> None:
    assert main(["bench", "capture", option, "x"]) == 2
    said = capsys.readouterr().err
    assert f"{option} goes with " in said
    assert "lineage" in said
