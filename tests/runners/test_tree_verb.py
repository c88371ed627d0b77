"""`kinprint tree`: files that other programs read, trees in the terminal, and the picture in a report."""

from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from shutil import copytree
from xml.etree import ElementTree

import pytest

from analysis.libraries.library import SHIPPED, Member, save_index
from analysis.report.tree_files import load_tree
from probes.errors import KinprintError
from runners.cli import main
from tests.recordings import make_up, write_recording

HOSTILE = "<script>x</script>\u202e[bold]$1$"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder and the output of a tree of two families, and of a recording with a hostile name."""
    tmp_path = tmp_path_factory.mktemp("tree")
    library, out = tmp_path / "my library", tmp_path / "a tree"
    members = [Member(f"family{family}-{n}", f"family{family}") for family in range(2) for n in range(3)]
    for place, member in enumerate(members):
        write_recording(library / member.name, make_up(place // 3, place % 3))
    save_index(library, "tiny", members)
    write_recording(tmp_path / "it's", make_up(0, 7), name=HOSTILE)
    where = [f"recordings={tmp_path}/it's", "library=folder", f"library.path={library}", f"out={out}"]
    with redirect_stdout(StringIO()) as said:
        assert main(["tree", *where, "replicates=10"]) == 0
    return out, said.getvalue()


def test_what_is_printed(tree: tuple[Path, str]) -> None:
    out, said = tree
    assert "7 models, 24 canaries at tier logits, by next_token, greedy, wording; library tiny" in said
    assert "Families that stand together: 1 of 2 (dendrogram)" in said  # the recording, of no family, is kin to one
    assert "<script>x</script>⟨U+202E⟩[bold]$1$ [recording]" in said
    assert "the noise between canaries only" in said
    assert said.endswith(f"{out}\n")
    assert sum(line.endswith("family0-0 [family0]") for line in said.splitlines()) == 2


def test_the_files(tree: tuple[Path, str]) -> None:
    out, _ = tree
    assert {path.name for path in out.iterdir()} == {
        *(f"{name}.{ending}" for name in ("dendrogram", "neighbour_joining") for ending in ("nwk", "svg")),
        *("distances.tsv", "tree.json"),
    }
    head, *rows = [line.split("\t") for line in (out / "distances.tsv").read_text("utf-8").splitlines()]
    assert head[1:] == [row[0] for row in rows]
    assert [float(row[place + 1]) for place, row in enumerate(rows)] == [0.0] * 7
    for name in ("dendrogram", "neighbour_joining"):
        line = (out / f"{name}.nwk").read_text("utf-8")
        assert line.endswith(";\n")
        assert line.count("'") == 14
        picture = ElementTree.fromstring((out / f"{name}.svg").read_text("utf-8"))
        texts = [element.text or "" for element in picture.iter("{http://www.w3.org/2000/svg}text")]
        assert "family1-2" in texts
        assert any("⟨U+202E⟩" in text for text in texts)
        assert not list(picture.iter("{http://www.w3.org/2000/svg}script"))


def test_a_report_shows_the_tree(tree: tuple[Path, str], tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    asked = [f"recording={SHIPPED / 'smollm2'}", "leave_out.families=[gemma3]", f"out={page}"]
    assert main(["report", *asked, f"tree={tree[0]}"]) == 0
    html = page.read_text("utf-8")
    assert html.count('id="dendrogram-wide-title"') == html.count('id="neighbour_joining-narrow-title"') == 1
    assert "Where it stands among the references" in html
    assert "<script" not in html


def test_a_tree_that_is_none_is_refused(tree: tuple[Path, str], tmp_path: Path) -> None:
    out = Path(copytree(tree[0], tmp_path / "copy"))
    with pytest.raises(KinprintError, match=r"there is no tree\.json"):
        load_tree(tmp_path)
    text = (out / "tree.json").read_text("utf-8")
    for old, new in (('"parents": [\n   ', '"parents": [\n   99'), ('"names"', '"name"'), ("{", "[")):
        (out / "tree.json").write_text(text.replace(old, new, 1), "utf-8")
        with pytest.raises(KinprintError, match="is damaged"):
            load_tree(out)


def test_what_can_not_be_placed_ends_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_recording(tmp_path / "other", make_up(0))
    assert main(["tree", f"recordings={tmp_path / 'other'}", f"out={tmp_path / 'tree'}"]) == 2
    assert "was not recorded with the canaries of suite 'tiny'" in capsys.readouterr().err
    assert not (tmp_path / "tree").exists()
