"""The layout is a promise: what stands at the top, who imports whom, what the command starts without."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOP_LEVEL = {"probes", "configs", "runners", "analysis", "tests", "docs"}
ENGINES = {"torch", "vllm", "transformers"}
NETWORK = {
    "aiohttp",
    "http.client",
    "httpx",
    "httpx2",
    "openai",
    "requests",
    "socket",
    "urllib.request",
    "urllib3",
}
FORBIDDEN = {
    "probes": {"analysis", "runners", "configs", "hydra"} | ENGINES | NETWORK,
    "analysis": {"runners", "configs", "hydra"} | ENGINES | NETWORK,
    "configs": {"probes", "analysis", "runners"} | ENGINES,
}
# The verbs that need no experiment start at once, so the command itself loads none of these.
SLOW_TO_IMPORT = ("vllm", "torch", "transformers", "hydra", "sklearn", "datasets", "matplotlib")
VAGUE_NAMES = {"utils", "helpers", "misc", "common", "manager"}


def tracked_files() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [Path(name) for name in listing.stdout.split("\0") if name]


def imports_of(source: Path) -> Iterator[str]:
    """Every name that a file imports, at its top or inside a function, with all of its parents' names."""
    for node in ast.walk(ast.parse(source.read_text("utf-8"), str(source))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))


def test_no_other_folders_stand_at_the_top() -> None:
    folders = {path.parts[0] for path in tracked_files() if len(path.parts) > 1}
    assert {folder for folder in folders if not folder.startswith(".")} <= TOP_LEVEL


def test_no_file_has_a_name_that_says_nothing() -> None:
    assert [str(path) for path in tracked_files() if VAGUE_NAMES & {path.stem, *path.parts[:-1]}] == []


@pytest.mark.parametrize("package", FORBIDDEN)
def test_imports_run_one_way(package: str) -> None:
    sources = sorted((ROOT / package).rglob("*.py"))
    assert sources
    wrong = [
        f"{source.relative_to(ROOT)}: {name}"
        for source in sources
        for name in FORBIDDEN[package] & set(imports_of(source))
    ]
    assert wrong == []


def test_the_check_of_imports_sees_every_form(tmp_path: Path) -> None:
    source = tmp_path / "module.py"
    source.write_text("import torch.nn as nn\ndef late():\n    from urllib import request\n", "utf-8")
    assert {"torch", "urllib.request"} <= set(imports_of(source))


def test_the_command_starts_without_anything_slow() -> None:
    program = f"import sys, runners.cli; print([name for name in {SLOW_TO_IMPORT} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
