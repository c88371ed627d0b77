"""A plan that is signed beforehand, and the bundle of a run that kept to it, or did not."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from probes.recording import load_recording, seal_recording
from runners.cli import main
from tests.made_up_trainings import logits_of, record, write_trainings

DATA = Path(__file__).parents[1] / "data"
ASKED = {"temperature": 1.0, "top_p": 1.0, "seed": 0, "endpoint": {"base_url": "http://127.0.0.1:9/v1"}}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library, a key, and a signed plan for a test of descent from s0."""
    folder = tmp_path_factory.mktemp("place")
    write_trainings(folder / "library", 6)
    assert main(["key", "new", str(folder / "key")]) == 0
    suite = ["suite=file", f"suite.path={folder / 'library' / 's0' / 'suite.jsonl'}"]
    asked = ["tier=logits", "budget=16", "model=the-model", "name=c", "base_url=http://127.0.0.1:9/v1"]
    judged = ["goal=descent", "parent=s0", "library=folder", f"library.path={folder / 'library'}"]
    judged.append("estimator=from_library")
    signed = ["sign=true", f"key={folder / 'key'}", f"out={folder / 'plan'}"]
    assert main(["plan", *suite, *asked, *judged, *signed]) == 0
    return folder


def recorded(folder: Path, **changes: Any) -> Path:
    """The recording of a child of s0, asked after the plan was signed."""
    made = record(folder, "c", logits_of(200, 0))
    manifest = replace(made.manifest, model="the-model", sampling=ASKED, started_at="2999-01-01T00:00:00Z", **changes)
    seal_recording(made.folder, manifest, made.suite, ["logits.safetensors"])
    return made.folder


def said_of(place: Path, recording: Path, out: Path, capsys: pytest.CaptureFixture[str], *more: str) -> list[str]:
    """What bundling says of the plan, which is what verifying says."""
    library = ["library=folder", f"library.path={place / 'library'}", "estimator=from_library"]
    controls = ["library@controls=folder", f"controls.path={place / 'library'}"]
    about = [
        f"recording={recording}",
        f"out={out}",
        f"key={place / 'key'}",
        f"plan={place / 'plan' / 'plan.dsse.json'}",
    ]
    capsys.readouterr()
    assert main(["bundle", *about, *library, *controls, *(more or ["parents=[s0]"])]) == 0
    said = [line.removeprefix("kinprint: ") for line in capsys.readouterr().err.splitlines()]
    assert main(["verify", str(out)]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    verified = [line for line in lines if line.startswith(("plan:", "departure:"))]
    assert said[-len(verified) :] == verified
    return verified


def test_a_run_that_kept_to_its_plan(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (said,) = said_of(place, recorded(tmp_path), tmp_path / "x.zip", capsys)
    assert said.startswith("plan: signed, self-dated ")
    assert "that is before the first request" in said
    assert said.endswith("the run kept to it in every point")


def test_every_departure_is_named(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording = recorded(tmp_path, candidate="another")
    made = load_recording(recording)
    earlier = {**ASKED, "temperature": 0.7, "endpoint": {"base_url": "http://127.0.0.1:10/v1"}}
    manifest = replace(made.manifest, sampling=earlier, started_at="2020-01-01T00:00:00Z")
    seal_recording(recording, manifest, made.suite, ["logits.safetensors"])
    more = ("parents=[s1]", "alpha=0.02", "estimator.attributed_at=0.8", "leave_out.names=[s3]")
    plan, *departures = said_of(place, recording, tmp_path / "x.zip", capsys, *more)
    assert "that is NOT before the first request (2020-01-01T00:00:00+00:00)" in plan
    assert plan.endswith(f"departed from it in {len(departures)} points")
    assert [one.removeprefix("departure: ").partition(" (planned")[0] for one in departures] == [
        "candidate",
        "endpoint",
        "temperature",
        "rule attributed_at",
        "left out of the library",
        "parents",
        "alpha",
    ]
    assert "(planned http://127.0.0.1:9/v1, found http://127.0.0.1:10/v1)" in departures[1]


def test_other_references_than_planned_are_named(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_trainings(tmp_path / "library", 7)
    folders = [f"library.path={tmp_path / 'library'}", f"controls.path={tmp_path / 'library'}", "parents=[s0]"]
    _, *departures = said_of(place, recorded(tmp_path), tmp_path / "x.zip", capsys, *folders)
    assert any(one.startswith("departure: controls/s6/manifest.json (planned none, found ") for one in departures)


def test_a_timestamp_of_something_else_is_not_bundled(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    library = ["library=folder", f"library.path={place / 'library'}", "estimator=from_library"]
    about = [f"recording={recorded(tmp_path)}", f"out={tmp_path / 'x.zip'}", f"key={place / 'key'}"]
    plan = [f"plan={place / 'plan' / 'plan.dsse.json'}", f"timestamp={DATA / 'timestamp' / 'response.tsr'}"]
    assert main(["bundle", *about, *library, *plan]) == 2
    assert "its imprint is not the plan's SHA-256" in capsys.readouterr().err
    assert not (tmp_path / "x.zip").exists()


def test_a_plan_names_no_secret(place: Path) -> None:
    text = (place / "plan" / "plan.dsse.json").read_text("ascii")
    assert (place / "key").read_text("ascii").splitlines()[1] not in text
    assert set(json.loads(text)) == {"payload", "payloadType", "signatures"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sign=true"], "needs a key"),
        (["plan=nowhere"], "nowhere"),
    ],
)
def test_mistakes_are_one_sentence(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    verb = "plan" if "sign=true" in words else "bundle"
    assert main([verb, *words, *(["recording=x", "key=y", "out=z"] if verb == "bundle" else [])]) == 2
    assert capsys.readouterr().err.count("\n") == 1
