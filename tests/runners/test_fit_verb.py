"""`kinprint fit` on a made-up library: a file that `kinprint attribute` takes."""

from pathlib import Path

import pytest

from analysis.kinship.fitted import FittedKinship
from analysis.libraries.library import Member, save_index
from probes.recording import folder_name
from runners.cli import main
from tests.recordings import make_up, write_recording


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, members = tmp_path_factory.mktemp("zoo"), []
    for family in range(4):
        base = f"f{family}"
        members.append(Member(base, base, kind="base", lineage=base))
        members += [Member(f"{base}-{n}", base, base, f"way-{n}", kind="descendant", lineage=base) for n in (1, 2)]
        for number, member in enumerate(members[-3:]):
            write_recording(folder / folder_name(member.name), make_up(family, number), "text", name=member.name)
    save_index(folder, "made-up-zoo", members)
    return folder


def test_a_library_of_lineages_becomes_a_file_that_attribute_takes(
    zoo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["library=folder", f"library.path={zoo}"]
    assert main(["fit", *place, f"out={tmp_path / 'kinship.json'}"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0].split("\t")[:4] == ["tier", "seen", "canaries", "channels"]
    assert "fitting: text (1), 3 channels" in err
    fitted = FittedKinship.load(tmp_path / "kinship.json")
    assert {(one.tier, one.seen) for one in fitted.fits} == {("text", 4), ("text", 1), ("text", 0)}
    assert len(fitted.lineages) == len(fitted.families) == fitted.fits[0].lineages == 4
    write_recording(tmp_path / "candidate", make_up(3, 9), "text", name="candidate")
    asked = ["attribute", f"recording={tmp_path / 'candidate'}", *place, f"out={tmp_path / 'out'}"]
    assert main([*asked, f"estimator.kinship={tmp_path / 'kinship.json'}", "estimator.attributed_at=0.51"]) == 0
    assert "f3" in capsys.readouterr().out
    text = (tmp_path / "out" / "verdict.json").read_text("utf-8")
    assert "there is no set: it takes 9 lineages to calibrate one, and there were 4" in text
    assert main([*asked, f"estimator.kinship={tmp_path / 'none.json'}"]) == 2
    assert "none.json can't be read" in capsys.readouterr().err
