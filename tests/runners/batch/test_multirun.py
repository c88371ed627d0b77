"""`kinprint VERB -m`: each run once, the missing ones only, failures alone, and a summary that says how to go on."""

import re
import shlex
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from probes.recording import load_recording
from runners.batch import local
from runners.batch.job import Job, do, logging_to
from runners.batch.summary import Line, load_summary
from runners.cli import main
from tests.endpoint import Endpoint
from tests.made_up_zoo import write_zoo
from tests.recordings import make_up, write_recording


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs that ask a model need no process of their own where no engine is started."""

    def do_here(job: Job) -> str:
        with logging_to(job.log):
            do(job.file)
        return "never"

    monkeypatch.setattr(local, "_do_here", do_here)


@pytest.fixture
def address(httpserver: HTTPServer) -> str:
    httpserver.expect_request(re.compile("/.*")).respond_with_handler(Endpoint())
    return httpserver.url_for("/v1")


def summary(batch: Path, verb: str = "collect") -> dict[str, Line]:
    return {line.candidate: line for line in load_summary(batch, verb)}


def collect(tmp_path: Path, rows: list[str], *others: str) -> int:
    (tmp_path / "list.csv").write_text("\n".join(["model,name,endpoint", *rows]) + "\n", "utf-8")
    asked = [f"candidates={tmp_path / 'list.csv'}", f"batch={tmp_path / 'batch'}", "suite=quick", "tier=topk"]
    api = ["backend=openai_api", "backend.api_key_env=null", "backend.retries=0"]
    return main(["collect", "-m", *asked, *api, *others])


@pytest.mark.usefixtures("in_this_process")
def test_one_fails_alone_and_only_it_is_tried_again(
    tmp_path: Path, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"made-up-1,one,{address}", "made-up-1,gone,http://127.0.0.1:9/v1"]
    assert collect(tmp_path, rows) == 1
    told = capsys.readouterr()
    assert told.out == f"{tmp_path / 'batch' / 'collect.tsv'}\n"
    assert "collect: 2 in this batch, 2 to do" in told.err
    assert "1 of 2 failed; the same command does these again" in told.err
    found = summary(tmp_path / "batch")
    assert (found["one"].status, found["gone"].status) == ("done", "failed")
    assert "127.0.0.1:9" in found["gone"].why
    assert load_recording(found["one"].out).manifest.candidate == "one"

    rows[1] = f"made-up-1,gone,{address}"
    assert collect(tmp_path, rows) == 0
    assert "2 in this batch, 1 to do" in capsys.readouterr().err
    assert {name: line.status for name, line in summary(tmp_path / "batch").items()} == {"one": "there", "gone": "done"}


@pytest.mark.usefixtures("in_this_process")
def test_the_summary_says_how_to_run_one_alone(tmp_path: Path, address: str) -> None:
    assert collect(tmp_path, [f"made-up-1,it's <b>,{address}"]) == 0
    [line] = summary(tmp_path / "batch").values()
    before = (Path(line.out) / "manifest.json").read_bytes()
    words = shlex.split(line.again)
    assert words[:2] == ["kinprint", "collect"]
    assert main(words[1:]) == 0
    assert (Path(line.out) / "manifest.json").read_bytes() == before


@pytest.mark.usefixtures("in_this_process")
def test_what_changes_the_recording_changes_its_place(tmp_path: Path, address: str) -> None:
    row = [f"made-up-1,one,{address}"]
    assert (
        collect(tmp_path, row) == collect(tmp_path, row, "seed=1") == collect(tmp_path, row, "budget.requests=900") == 0
    )
    assert len(list((tmp_path / "batch" / "recordings").iterdir())) == 2


def test_a_job_that_asks_has_a_process_of_its_own(tmp_path: Path) -> None:
    asked = ["candidate.model=./nowhere", "candidate.name=nobody", f"batch={tmp_path}", "suite=quick", "tier=text"]
    assert main(["collect", "-m", *asked, "backend=transformers"]) == 1
    [line] = summary(tmp_path).values()
    assert line.why.startswith("there is no model at ./nowhere")
    assert [path.suffix for path in sorted((tmp_path / "jobs").iterdir())] == [".json", ".log", ".json"]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library, and a folder of recordings: two to judge, one that is damaged."""
    folder = tmp_path_factory.mktemp("judged")
    write_zoo(folder / "zoo", size=16)
    for number, name in enumerate(("first", "<b>second")):
        write_recording(folder / "recordings" / f"r{number}", make_up(number, 50, size=16), name=name)
    write_recording(folder / "recordings" / "broken", make_up(2, 51, size=16), name="broken")
    (folder / "recordings" / "broken" / "answers.parquet").write_bytes(b"no table")
    return folder


def test_verdicts_and_reports_of_a_folder_and_one_page_over_all(
    judged: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    zoo = ["library=folder", f"library.path={judged / 'zoo'}"]
    controls = ["library@controls=folder", f"controls.path={judged / 'zoo'}"]
    where = [f"recordings={judged / 'recordings'}", f"batch={judged / 'batch'}"]
    assert main(["attribute", "-m", *where, *zoo, *controls]) == 1
    found = summary(judged / "batch", "attribute")
    assert {name: line.status for name, line in found.items()} == {
        "first": "done",
        "<b>second": "done",
        "broken": "failed",
    }
    assert main(["report", "-m", *where, *zoo, *controls, "launcher.n_jobs=1", "launcher=joblib"]) == 1
    assert main(["batch", "report", f"batch={judged / 'batch'}", *zoo]) == 0
    page = (judged / "batch" / "batch.html").read_text("utf-8")
    assert "<script" not in page
    assert "&lt;b&gt;second" in page
    assert "<b>second" not in page
    assert len(re.findall(r'href="reports/r\d-[0-9a-f]{12}\.html"', page)) == 2
    assert 'id="neighbour_joining-title"' in page or "neighbour_joining" in page
    capsys.readouterr()
    assert main(["attribute", "-m", *where, *zoo, *controls]) == 1
    assert "3 in this batch, 1 to do" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["collect", "-m", "candidates=CSV", "out=x"], "leave 'out' away"),
        (["collect", "-m", "candidates=CSV", "tier=nothing"], r"line 2: .*nothing"),
        (["collect", "-m", "candidates=CSV", "suite=file", "suite.path=nowhere.jsonl"], "nowhere"),
        (["collect", "-m", "candidates=CSV", "dry_run=true"], "leave -m away"),
        (["collect", "-m", "recordings=x"], "takes candidates=, not recordings="),
        (["collect", "-m"], "needs a value for candidate.model"),
        (["collect", "-m", "candidates=nowhere.csv"], "nowhere.csv"),
        (["attribute", "-m", "recordings=."], "there is no recording in"),
        (["attribute", "-m", "launcher.kind=cloud", "recordings=."], "known are sequential, joblib, slurm"),
        (
            ["collect", "-m", "candidate.model=x", "launcher=slurm", "suite=quick"],
            "needs Slurm's commands",
        ),
        (["tree", "-m"], "kinprint tree takes no -m"),
        (["batch", "report", "batch=nowhere"], "'kinprint attribute -m' writes it"),
        (["batch"], "say 'kinprint batch report"),
    ],
)
def test_mistakes_are_one_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("runners.batch.slurm.which", lambda program: None)
    (tmp_path / "list.csv").write_text("model\nx\n", "utf-8")
    assert main([word.replace("CSV", "list.csv") for word in words]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert re.search(said, last)
