"""The list of public models: it claims nothing without a source, and a dry run says what recording it costs."""

import json
from pathlib import Path

import pytest

from probes.errors import KinprintError, LibraryError
from runners.jobs.library_build import build
from runners.library.gpus import GPUS, Tokens, cost
from runners.library.open_weights import load_table

SHIPPED = load_table("open_weights")


def test_it_lists_many_models_of_many_families_and_none_is_verified_by_hand() -> None:
    assert len(SHIPPED) >= 60
    assert len({one.family for one in SHIPPED}) >= 15
    assert not any(one.verified for one in SHIPPED)


def test_families_agree_along_every_line_of_descent() -> None:
    family = {one.hub: one.family for one in SHIPPED}
    for one in SHIPPED:
        assert family.get(one.parent or "", one.family) == one.family, one.hub
        assert (one.parent is None) or one.kind == "descendant", one.hub


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("licence", None, "licence"),
        ("parent", "no hub id", "hub id"),
        ("parameters", "7B", "parameters"),
        ("dtype", "int3", "dtype"),
        ("verified", "no", "verified"),
        ("extra", 1, "exactly the fields"),
    ],
)
def test_a_line_that_claims_without_source_or_says_nonsense_is_refused(
    tmp_path: Path, key: str, value: object, said: str
) -> None:
    line = json.loads((Path(__file__).parents[2] / "configs" / "open_weights.jsonl").read_text("utf-8").splitlines()[1])
    path = tmp_path / "list.jsonl"
    path.write_text(json.dumps(line | {key: value}) + "\n", "utf-8")
    with pytest.raises(LibraryError, match=said):
        load_table(str(path))


def test_the_dry_run_says_hours_and_gigabytes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ["experiment=library/open_weights", "dry_run=true", "gpu=h100", f"out={tmp_path / 'library'}"]
    assert build("library_build", ["library", "build"], words) == 0
    said = capsys.readouterr().out
    assert f"{len(SHIPPED)} models of" in said
    assert "GPU hours" in said
    assert "Qwen/Qwen2.5-72B\tqwen2.5\t145.4\t3\t" in said  # 145.4 GB and a fifth on top take three of 80 GB
    assert not (tmp_path / "library").exists()
    with pytest.raises(KinprintError, match="say which GPU"):
        build("library_build", ["library", "build"], [*words[:2], "gpu=abacus", words[3]])


def test_a_measured_speed_takes_the_place_of_the_data_sheet() -> None:
    [model] = [one for one in SHIPPED if one.hub == "Qwen/Qwen2.5-7B"]
    tokens = Tokens(6000, 4000, "made up")
    found = cost(model, GPUS["l4"], tokens, tokens_per_second=100)
    assert found is not None
    assert found.asking == pytest.approx(100)
    assert found.gpus == 1
