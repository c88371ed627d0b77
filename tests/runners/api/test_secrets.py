"""A planted key is searched for in everything that kinprint writes, says and lets a crash show."""

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from probes.errors import CandidateError, KinprintError
from runners.api.custody import read_exchanges
from runners.api.secrets import Secrets, checked_url, key_from
from runners.backends.openai_api import OpenaiApi
from runners.compose import construct
from tests.endpoint import NAME, Endpoint, refuse
from tests.recordings import suite_of
from tests.runners.api.conftest import Collect

KEY = "sk-planted/9f8e7d6c5b4a+3210=="
SPELLINGS = (KEY, quote(KEY, safe=""), base64.b64encode(KEY.encode()).decode().rstrip("="), "planted", "9f8e7d6c")


@pytest.fixture(autouse=True)
def _planted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANTED_KEY", KEY)


def everything(folder: Path) -> Iterator[tuple[str, str]]:
    """Every file under a folder, compressed ones unpacked too."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield str(path), path.read_bytes().decode("utf-8", "replace")
    for kept in folder.rglob("raw.jsonl.zst"):
        yield f"{kept} unpacked", "\n".join(str(exchange) for exchange in read_exchanges(kept.parent))


def assert_absent(*texts: tuple[str, str]) -> None:
    found = [(where, spelling) for where, text in texts for spelling in SPELLINGS if spelling in text]
    assert found == []


def cli(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command itself, with everything that makes it talk."""
    loud = {"OPENAI_LOG": "debug", "HYDRA_FULL_ERROR": "1", "PYTHONFAULTHANDLER": "1", "KINPRINT_VERBOSE": "1"}
    command = [sys.executable, "-m", "runners.cli", *words]
    env = {**os.environ, **loud, "PLANTED_KEY": KEY, **environment}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=120)


def overrides(folder: Path, url: str, *more: str) -> list[str]:
    suite = folder / "tiny.jsonl"
    suite.write_text(suite_of(10).to_jsonl(), "utf-8")
    words = ["collect", "backend=openai_api", f"backend.base_url={url}", f"candidate.model={NAME}", "suite=file"]
    return [*words, f"suite.path={suite}", f"out={folder / 'run'}", "backend.api_key_env=PLANTED_KEY", *more]


def test_the_key_is_sent_and_kept_nowhere(endpoint: Endpoint, url: str, tmp_path: Path) -> None:
    endpoint.key = KEY

    def parrot(body: dict[str, object], number: int) -> object:
        """An endpoint that repeats the key in everything it can."""
        right = (
            endpoint.answer("/v1/completions", body) if "prompt" in body else endpoint.answer("/chat/completions", body)
        )
        right.headers["x-echo"] = f"Bearer {KEY}"
        right.headers["set-cookie"] = f"session={KEY}"
        right.headers["x-api-key"] = "something else"
        if number > 9 and number % 3 == 0:
            return refuse(400, f"bad request by {KEY}")
        right.set_data(right.get_data(as_text=True).replace('"x-1"', f'"{KEY}"'))
        return right

    endpoint.faults = parrot  # type: ignore[assignment]
    finished = cli(tmp_path, *overrides(tmp_path, url))
    assert finished.returncode == 0, finished.stderr
    assert {exchange.last.status for exchange in read_exchanges(tmp_path / "run") if exchange.last} == {200, 400}
    kept = [exchange.last for exchange in read_exchanges(tmp_path / "run")]
    assert all("x-request-id" in attempt.headers or attempt.status == 400 for attempt in kept if attempt)
    assert all("x-api-key" not in attempt.headers for attempt in kept if attempt)
    assert_absent(("stdout", finished.stdout), ("stderr", finished.stderr), *everything(tmp_path))


def test_a_refused_key_is_not_shown(endpoint: Endpoint, url: str, tmp_path: Path) -> None:
    endpoint.faults = lambda body, number: refuse(401, f"Incorrect API key provided: {KEY}")
    finished = cli(tmp_path, *overrides(tmp_path, url))
    assert finished.returncode == 2
    assert "401" in finished.stderr
    assert_absent(("stdout", finished.stdout), ("stderr", finished.stderr), *everything(tmp_path))


@pytest.mark.parametrize("tail", ["\n", " with space", "\u2603"])
def test_a_key_that_no_header_can_carry_is_not_shown(tmp_path: Path, tail: str) -> None:
    finished = cli(tmp_path, *overrides(tmp_path, "http://127.0.0.1:9/v1", "backend.retries=0"), PLANTED_KEY=KEY + tail)
    assert finished.returncode == 2
    assert_absent(("stdout", finished.stdout), ("stderr", finished.stderr), *everything(tmp_path))


def test_a_crash_does_not_show_the_key(url: str, tmp_path: Path) -> None:
    """A bug of ours, somewhere below: the traceback is printed, the key is not in it."""
    program = f"""
import sys
from runners.api import answers, sender
def broken(*arguments, **settings):
    raise RuntimeError(f"a bug: {{arguments}}")
sender.Sender._cost = broken
from runners.cli import main
main({overrides(tmp_path, url)!r})
"""
    command = [sys.executable, "-X", "dev", "-c", program]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert "a bug" in finished.stderr
    assert_absent(("stdout", finished.stdout), ("stderr", finished.stderr), *everything(tmp_path))


def test_the_backend_does_not_show_the_key(collect: Collect, url: str) -> None:
    with OpenaiApi(NAME, url, api_key_env="PLANTED_KEY") as backend:
        assert_absent(("repr", repr(backend)), ("vars", repr(vars(backend))), ("who", repr(backend.identity)))


@pytest.mark.parametrize(
    "url",
    [
        "https://user:planted@host/v1",
        "https://planted@host/v1",
        "https://host/v1?api_key=planted",
        "https://host/#planted",
    ],
)
def test_a_url_with_credentials_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(CandidateError) as refused:
        checked_url(url)
    assert_absent(("error", str(refused.value)))


@pytest.mark.parametrize(
    "settings",
    [
        {"headers": {"Authorization": "Bearer planted"}},
        {"headers": {"X-API-Key": "planted"}},
        {"query": {"api-key": "planted"}},
        {"extra_body": {"provider": {"api_key": "planted"}}},
        {"api_key": "planted"},
        {"api_key_env": "sk-planted"},
    ],
)
def test_a_key_in_the_configuration_is_refused_and_not_repeated(settings: dict[str, object]) -> None:
    target = {"_target_": "runners.backends.openai_api.OpenaiApi", "base_url": "http://h/v1", "model": NAME, **settings}
    with pytest.raises(KinprintError) as refused, construct(target):
        pass
    assert_absent(("error", str(refused.value)))


def test_a_variable_without_a_key_is_named() -> None:
    with pytest.raises(CandidateError, match="NOT_THERE"):
        key_from("NOT_THERE")


def test_a_short_placeholder_is_not_cut_out_of_innocent_words() -> None:
    assert Secrets("none").redact("none of it") == "none of it"


def test_other_variables_of_the_package_are_not_sent(
    endpoint: Endpoint, collect: Collect, monkeypatch: pytest.MonkeyPatch, httpserver: object
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "of-another-service")
    collect(size=1)
    for request, _ in httpserver.log:  # type: ignore[attr-defined]
        assert "of-another-service" not in str(dict(request.headers))
