"""`kinprint suite`, and where the secret seed of a fresh suite lies: never in a recording, a log or a sentence."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from probes.errors import SuiteError
from probes.fresh import fresh_suite
from probes.recording import Recording, load_recording, save_recording
from probes.suite import Suite
from runners.cli import main
from runners.record import record
from runners.secret_seed import VARIABLE, secret_seed
from runners.settings import SuiteSettings
from runners.suites import suite_of
from tests.recordings import manifest
from tests.scripted_backend import Scripted, how

HEX = "ab" * 16


@pytest.fixture
def seed_file(tmp_path: Path) -> Path:
    path = tmp_path / "seed.txt"
    path.touch(0o600)
    path.write_text(HEX + "\n")
    return path


def test_a_seed_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "seed.txt"
    seed = secret_seed(str(path))
    assert (len(seed), path.stat().st_mode & 0o777) == (32, 0o600)
    assert secret_seed(str(path)) == seed != secret_seed(str(tmp_path / "other"))


def test_the_environment_may_hold_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, HEX)
    assert secret_seed(None) == bytes.fromhex(HEX)
    monkeypatch.setenv(VARIABLE, "no hex, and secret")
    with pytest.raises(SuiteError, match="holds no seed") as refused:
        secret_seed(None)
    assert "secret" not in str(refused.value)
    assert refused.value.__suppress_context__
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(SuiteError, match=r"needs a secret seed.*suite\.seed=FILE"):
        secret_seed(None)


def test_a_seed_that_is_no_secret_is_refused_and_not_repeated(seed_file: Path) -> None:
    with pytest.raises(SuiteError, match="on the command line is no secret") as refused:
        secret_seed(HEX)
    assert HEX not in str(refused.value)
    seed_file.chmod(0o644)
    with pytest.raises(SuiteError, match="others may read it"):
        secret_seed(str(seed_file))


def asked(folder: Path, suite: Suite) -> Recording:
    return record(Scripted(), suite, how("text"), folder, "mine", {"command": "a test"})


def test_what_is_recorded_holds_the_commitment_and_never_the_seed(
    tmp_path: Path, seed_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = suite_of(SuiteSettings("fresh", str(seed_file), 12))
    recording = asked(tmp_path / "run", suite)
    assert recording.manifest.suite == {"name": suite.name, "sha256": suite.sha256, **suite.drawn}
    written = b"".join(path.read_bytes() for path in (tmp_path / "run").iterdir())
    assert HEX.encode() not in written
    assert suite.drawn["commitment"].encode() in written
    assert main(["suite", "check", f"recording={tmp_path / 'run'}", f"seed={seed_file}"]) == 0
    said = capsys.readouterr()
    assert suite.drawn["commitment"] in said.out
    assert HEX not in said.out + said.err
    revealed = asked(tmp_path / "told", suite_of(SuiteSettings("fresh", str(seed_file), 12, reveal=True)))
    assert revealed.manifest.suite["seed"] == HEX


def test_another_seed_and_another_suite_do_not_pass_for_it(
    tmp_path: Path, seed_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = fresh_suite(bytes.fromhex("cd" * 16), 12)
    picked = replace(suite, canaries=suite.canaries[::-1])  # chosen after the commitment
    for name, one in (("other", suite), ("picked", picked)):
        asked(tmp_path / name, one)
        assert main(["suite", "check", f"recording={tmp_path / name}", f"seed={seed_file}"]) == 2
        assert "does not draw what" in capsys.readouterr().err
        seed_file.write_text("cd" * 16)
    assert load_recording(tmp_path / "picked").suite.canaries == picked.canaries


def test_commit_prints_what_the_recording_will_hold(seed_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["suite", "commit", f"seed={seed_file}", "size=12"]) == 0
    suite = suite_of(SuiteSettings("fresh", str(seed_file), 12))
    assert capsys.readouterr().out.strip() == suite.drawn["commitment"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["guess"], "no action 'guess'"),
        (["commit"], "needs seed="),
        (["commit", "seeds=x"], "takes seed=, size=, not 'seeds=x'"),
        (["commit", "seed=SEED", "size=many"], "must be a number"),
        (["check", "recording=PLAIN", "seed=SEED"], "was not drawn afresh"),
        (["compare", "public=SEED", "fresh=SEED"], "is no verdict"),
    ],
)
def test_mistakes_end_as_a_sentence(
    tmp_path: Path, seed_file: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = Suite("plain", fresh_suite(bytes(16), 12).canaries)
    save_recording(tmp_path / "PLAIN", manifest(suite, counts={}), suite, [], {})
    named = [w.replace("SEED", str(seed_file)).replace("PLAIN", str(tmp_path / "PLAIN")) for w in words]
    assert main(["suite", *named]) == 2
    assert said in capsys.readouterr().err
    assert json.loads((tmp_path / "PLAIN" / "manifest.json").read_text())["suite"]["name"] == "plain"
