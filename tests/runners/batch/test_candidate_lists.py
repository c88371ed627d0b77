"""Lists of candidates: what they may look like, what becomes of them, and one sentence about each mistake."""

from pathlib import Path

import pytest

from probes.errors import KinprintError
from runners.batch.candidates import candidates
from runners.batch.sweep import sweep


def listed(tmp_path: Path, name: str, text: str) -> list[tuple[str, ...]]:
    (tmp_path / name).write_text(text, "utf-8")
    return [row.overrides for row in candidates(tmp_path / name)]


def test_a_table_and_lines_of_json_and_a_folder_say_the_same(tmp_path: Path) -> None:
    table = "model,name,tier,gpus,backend.engine.dtype\norg/one,,,2,float16\n./two,a b,text,,\n"
    lines = (
        '{"model": "org/one", "resources": {"gpus": 2}, "backend": {"engine": {"dtype": "float16"}}}\n\n'
        '{"model": "./two", "name": "a b", "tier": "text", "system_prompt": null}\n'
    )
    expected = [
        ("candidate.model=org/one", "candidate.resources.gpus=2", "backend.engine.dtype=float16"),
        ("candidate.model=./two", "candidate.name=a b", "tier=text"),
    ]
    assert listed(tmp_path, "list.csv", "\ufeff" + table) == expected
    assert listed(tmp_path, "list.jsonl", lines) == expected
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "0.yaml").write_text(
        "defaults: [custom, _self_]\nmodel: org/one\nresources: {gpus: 2}\nbackend: {engine: {dtype: float16}}\n",
        "utf-8",
    )
    (folder / "1.yaml").write_text("model: ./two\nname: a b\ntier: text\n", "utf-8")
    assert [row.overrides for row in candidates(folder)] == expected


def test_an_endpoint_is_an_api_with_an_address(tmp_path: Path) -> None:
    [overrides] = listed(tmp_path, "list.csv", "model,endpoint\nNAME,http://127.0.0.1:9/v1\n")
    assert overrides == ("candidate.model=NAME", "backend=openai_api", "backend.base_url=http://127.0.0.1:9/v1")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("list.csv", "", "holds no candidate"),
        ("list.csv", "model,name\n", "holds no candidate"),
        ("list.csv", "model,name\nx\n", "line 2: it has fewer cells"),
        ("list.csv", "model\nx,y\n", "line 2: it has more cells"),
        ("list.csv", "name\nx\n", "line 2: it names no model"),
        ("list.csv", "model,out\nx,y\n", "'out' is no setting"),
        ("list.csv", "model,a b\nx,y\n", "'a b' is no setting"),
        ("list.csv", 'model\n"x\n', "can't be read"),
        ("list.csv", "model,backend.headers.X\nx,${oc.env:HOME}\n", "holds an interpolation"),
        ("list.jsonl", "{\n", "line 1: it is not JSON"),
        ("list.jsonl", "[1]\n", "line 1: it is not an object"),
        ("list.txt", "x", "neither a folder of YAML files nor"),
    ],
)
def test_mistakes_are_named_by_their_place(tmp_path: Path, name: str, text: str, said: str) -> None:
    with pytest.raises(KinprintError, match=said):
        listed(tmp_path, name, text)


@pytest.mark.parametrize(
    ("text", "said"),
    [("a: [", "can't be read"), ("- x", "holds no settings"), ("defaults: [other]\nmodel: x", "builds on other")],
)
def test_a_bad_file_of_a_folder_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(KinprintError, match="holds no candidate"):
        candidates(tmp_path)
    (tmp_path / "one.yaml").write_text(text, "utf-8")
    with pytest.raises(KinprintError, match=rf"one\.yaml.* {said}"):
        candidates(tmp_path)


def test_commas_spread_out_as_in_hydra() -> None:
    assert list(sweep(["tier=topk,text", "seed=range(0,2)", "x=1"])) == [
        ("tier=topk", "seed=0", "x=1"),
        ("tier=topk", "seed=1", "x=1"),
        ("tier=text", "seed=0", "x=1"),
        ("tier=text", "seed=1", "x=1"),
    ]
    assert list(sweep(["recording=a/b c,d"])) == [("recording=a/b c",), ("recording=d",)]
    assert list(sweep(["recording='a,b'", "parents=[x,y]"])) == [("recording='a,b'", "parents=[x,y]")]
    with pytest.raises(KinprintError, match="can't be swept over"):
        list(sweep(["tier=choice("]))
