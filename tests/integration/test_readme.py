"""The Python of the README runs as it stands there."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.engine
README = Path(__file__).parents[2] / "README.md"


def test_the_notebook_example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    [example] = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(example, "README.md", "exec"), names)
    assert getattr(names["verdict"], "family", None) == "smollm2"
    assert "smollm2" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]
