"""The lineage file: classes of the same weights, and every mistake named."""

from pathlib import Path

import pytest

from analysis.libraries.lineage import load_lineage, singletons, unknown_names
from probes.errors import LibraryError


def lineage_file(folder: Path, *lines: str) -> Path:
    path = folder / "lineage.csv"
    path.write_text("\n".join(["name,family,parent,same_weights_as", *lines]) + "\n", "utf-8-sig")
    return path


def test_same_weights_is_an_equivalence(tmp_path: Path) -> None:
    path = lineage_file(tmp_path, "a,x,,b", "b,x,,", "c,x,a,b", "d,x,,gone", "e,x,,gone", "f,x,,")
    found = load_lineage(path)
    classes = [sorted(n for n, m in found.items() if m.weights == one.weights) for one in found.values()]
    assert classes == [["a", "b", "c"]] * 3 + [["d", "e"]] * 2 + [["f"]]
    assert (found["c"].parent, found["a"].parent) == ("a", None)
    assert unknown_names(found, path) == ["gone"]


def test_singletons_are_models_without_other_weights_in_their_family(tmp_path: Path) -> None:
    found = load_lineage(lineage_file(tmp_path, "a,x,,", "b,x,,a", "c,y,,", "d,z,,", "e,z,,"))
    assert singletons(list(found.values())) == {"a", "b", "c"}


def test_columns_may_be_missing_reordered_and_spaced(tmp_path: Path) -> None:
    path = tmp_path / "lineage.csv"
    path.write_text('family, name\nx, a\n\ny,"b, c"\n')
    assert {name: one.family for name, one in load_lineage(path).items()} == {"a": "x", "b, c": "y"}


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (["a,x,,", "a,x,,"], "line 3 names 'a' a second time"),
        (["a,,,"], "line 2 leaves the name or the family empty"),
        ([",x,,"], "line 2 leaves"),
        (["a,x,,b", "b,y,,"], "the same weights, but of the families 'x' and 'y'"),
    ],
)
def test_mistakes_are_named(lines: list[str], why: str, tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match=why):
        load_lineage(lineage_file(tmp_path, *lines))


def test_a_file_that_is_no_lineage_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="there is no lineage file"):
        load_lineage(tmp_path / "none.csv")
    path = tmp_path / "other.csv"
    path.write_text("model,family\n")
    with pytest.raises(LibraryError, match="no column 'name'"):
        load_lineage(path)
    path.write_bytes(b"name,family\n\xff\xfe,x\n")
    with pytest.raises(LibraryError, match="UTF-8"):
        load_lineage(path)
