"""`kinprint key`, `bundle` and `verify` from the command line."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.libraries.library import Library
from runners.cli import main
from runners.signing_key import VARIABLE, private_key
from tests.recordings import make_up, write_recording
from tests.test_layout import ROOT

NOT_NEEDED = {"hydra", "omegaconf", "torch", "vllm", "transformers", "openai"}
OFFLINE = f"""
import sys

def offline(event, arguments):
    if event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto"):
        raise RuntimeError(event + " in an offline check")

sys.addaudithook(offline)
from runners.cli import main
status = main(sys.argv[1:])
print(sorted({NOT_NEEDED} & set(sys.modules)), file=sys.stderr)
sys.exit(status)
"""


@pytest.fixture(scope="module")
def place(made_up_library: Library, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a key, a recording and its bundle."""
    folder = tmp_path_factory.mktemp("place")
    write_recording(folder / "recording", make_up(1, 4), "topk", name="candidate")
    assert main(["key", "new", str(folder / "key")]) == 0
    settings = [f"{name}={folder / value}" for name, value in (("recording", "recording"), ("key", "key"))]
    library = ["library=folder", f"library.path={made_up_library.folder}", "estimator=from_library"]
    assert main(["bundle", *settings, *library, f"out={folder / 'x.zip'}"]) == 0
    return folder


def test_verify_needs_no_network_no_engine_and_no_configuration(place: Path) -> None:
    command = [sys.executable, "-c", OFFLINE, "verify", str(place / "x.zip"), f"key={place / 'key.pub'}"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stderr) == (0, "[]\n")
    assert answer.stdout.startswith("stands: “candidate” descends from the birch family (probability ")
    assert [line.split(":")[0] for line in answer.stdout.splitlines()] == ["stands", "  references", "  rules"]
    assert "Signed by the key given (keyid " in answer.stdout


def test_a_bundle_of_another_key_does_not_stand(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["key", "new", str(tmp_path / "other")])
    capsys.readouterr()
    assert main(["verify", str(place / "x.zip"), f"key={tmp_path / 'other.pub'}"]) == 1
    assert capsys.readouterr().out.startswith("does not stand: it was signed by the key ")


def test_what_is_no_bundle_is_said_in_one_sentence(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.zip").write_bytes((place / "x.zip").read_bytes()[:-1])
    for arguments in (
        [str(tmp_path / "x.zip")],
        [str(tmp_path)],
        [str(tmp_path / "nowhere.zip")],
        [str(place / "key")],
        [str(place / "x.zip"), "key=nowhere"],
        [str(place / "x.zip"), f"key={place / 'key'}"],
        [str(place / "x.zip"), f"key={place / 'x.zip'}"],
        [str(place / "x.zip"), "another"],
        ["key="],
    ):
        assert main(["verify", *arguments]) == 2
        said = capsys.readouterr()
        assert (said.out, said.err.count("\n")) == ("", 1)


def test_a_private_key_is_for_one_pair_of_eyes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "new", f"out={tmp_path / 'keys' / 'k'}"]) == 0
    pem = (tmp_path / "keys" / "k").read_text("ascii")
    assert stat.S_IMODE((tmp_path / "keys" / "k").stat().st_mode) == 0o600
    said = capsys.readouterr()
    assert not any(line in said.out + said.err for line in pem.splitlines())
    for name in ("k", "k.pub"):
        assert main(["key", "new", str(tmp_path / "keys" / name)]) == 2
    assert (tmp_path / "keys" / "k").read_text("ascii") == pem
    (tmp_path / "keys" / "k").chmod(0o644)
    assert main(["bundle", "recording=x", "out=y", f"key={tmp_path / 'keys' / 'k'}"]) == 2
    assert "others may read it" in capsys.readouterr().err


def test_a_passphrase_locks_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(VARIABLE, "a secret")
    assert main(["key", "new", str(tmp_path / "k")]) == 0
    assert "ENCRYPTED" in (tmp_path / "k").read_text("ascii")
    assert private_key(tmp_path / "k").public_key().public_bytes_raw()
    for wrong in ("another", ""):
        monkeypatch.setenv(VARIABLE, wrong)
        assert main(["bundle", "recording=x", "out=y", f"key={tmp_path / 'k'}"]) == 2
        said = capsys.readouterr().err
        assert VARIABLE in said
        assert "secret" not in said.replace(VARIABLE, "")


@pytest.mark.parametrize("arguments", [["old", "x"], ["new"], ["new", "x", "y"], ["show", "nowhere"]])
def test_mistakes_with_keys_are_one_sentence(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", *arguments]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("verb", ["key", "verify"])
def test_plain_verbs_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    assert "example: kinprint " in capsys.readouterr().out
