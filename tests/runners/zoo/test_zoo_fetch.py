import json
from pathlib import Path

import pytest

from probes.errors import KinprintError
from runners.zoo import hub
from runners.zoo.fetch import fetch
from runners.zoo.models import CATALOGUE, ZooModel
from runners.zoo.packages import assemble, download_parts


@pytest.fixture
def converted(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Stands in for the conversion, which needs a real GGUF; holds what it was given."""
    given: list[bytes] = []

    def convert(model: ZooModel, gguf: Path, out: Path) -> dict[str, str]:
        given.append(gguf.read_bytes())
        out.mkdir()
        (out / "config.json").write_text("{}")
        return {}

    monkeypatch.setattr("runners.zoo.convert.convert", convert)
    return given


def stored_names(model: ZooModel) -> list[str]:
    return [f"{part.package}-{part.version}.whl" for part in model.parts]


def test_fetch_brings_checks_converts_and_leaves_only_the_model(tiny, converted, tmp_path):
    said: list[str] = []
    folder = fetch("tiny", "packages", say=said.append)
    assert folder == tmp_path / "cache" / "models" / "tiny"
    assert converted == [b"GGUF first piecesecond piecethird"]
    assert [path.name for path in folder.parent.iterdir() if not path.name.startswith(".")] == ["tiny"]
    provenance = json.loads((folder / "kinprint.json").read_text())
    assert provenance["gguf_sha256"] == tiny.gguf_sha256
    assert provenance["source"] == "packages"
    assert any("part 3 of 3" in line for line in said)


def test_a_model_that_is_there_is_not_made_again(tiny, converted):
    assert fetch("tiny", say=str) == fetch("tiny", say=str)
    assert len(converted) == 1


def test_parts_that_are_there_are_not_downloaded_again(tiny, index, converted):
    first, second, _ = sorted(index.iterdir())
    hidden = second.rename(second.with_suffix(".hidden"))
    with pytest.raises(KinprintError, match="tiny-part1"):
        fetch("tiny", "packages", say=str)
    # Gone from the index: only what the first attempt kept can stand in for it.
    first.unlink()
    hidden.rename(second)
    fetch("tiny", "packages", say=str)
    assert converted == [b"GGUF first piecesecond piecethird"]


def test_a_damaged_part_is_downloaded_again(tiny, tmp_path):
    wheels = download_parts(tiny, tmp_path / "wheels", step=lambda part: None)
    assert [wheel.name for wheel in wheels] == stored_names(tiny)
    right = wheels[1].read_bytes()
    wheels[1].write_bytes(right[:-5])
    download_parts(tiny, tmp_path / "wheels", step=lambda part: None)
    assert wheels[1].read_bytes() == right


def test_a_wheel_with_another_hash_is_refused_and_not_kept(tiny, index, tmp_path, build_wheel):
    build_wheel(index, "tiny-part0", {"tiny_part0/data/piece.bin": b"something else"})
    with pytest.raises(KinprintError, match=r"tiny-part0==1\.0\.0 has sha256 .* expected"):
        fetch("tiny", "packages", say=str)
    assert not (tmp_path / "cache/models/tiny").exists()
    assert not list((tmp_path / "cache/models/tiny.partial/wheels").iterdir())


def test_parts_that_do_not_belong_together_are_refused(tiny, tmp_path):
    wheels = download_parts(tiny, tmp_path / "wheels", step=lambda part: None)
    with pytest.raises(KinprintError, match=r"don't belong together|holds no readable"):
        assemble(tiny, [wheels[0], wheels[0], wheels[0]], tmp_path / "model.gguf")
    assert not (tmp_path / "model.gguf").exists()


def test_paths_in_an_archive_write_nothing_elsewhere(tiny, index, tmp_path, build_wheel):
    trick = {"../../escaped.bin": b"out", "/tmp/kinprint-escaped.bin": b"out"}
    wheel = build_wheel(tmp_path, "tiny-part0", {**trick, tiny.parts[0].member: b"GGUF first piece"})
    wheels = [wheel, *sorted(index.glob("tiny_part[12]*"))]
    before = set(tmp_path.rglob("*"))
    assemble(tiny, wheels, tmp_path / "model.gguf")
    assert set(tmp_path.rglob("*")) - before == {tmp_path / "model.gguf"}
    assert not Path("/tmp/kinprint-escaped.bin").exists()


def test_a_broken_archive_is_one_sentence(tiny, tmp_path):
    broken = tmp_path / "broken.whl"
    broken.write_bytes(b"PK no archive")
    with pytest.raises(KinprintError, match="tiny-part0"):
        assemble(tiny, [broken] * 3, tmp_path / "model.gguf")


def test_pips_own_reason_is_told(tiny, index):
    for wheel in index.iterdir():
        wheel.unlink()
    with pytest.raises(KinprintError, match=r"tiny-part0==1\.0\.0 with pip: ERROR: No matching distribution"):
        fetch("tiny", "packages", say=str)


def test_unknown_names_and_sources_list_what_is_known():
    with pytest.raises(KinprintError, match=r"'gpt9'.*smollm2, gemma3, qwen2\.5-coder"):
        fetch("gpt9")
    with pytest.raises(KinprintError, match="auto, hub, packages"):
        fetch("smollm2", "cloud")


def test_auto_says_in_one_line_why_it_takes_packages(tiny, converted):
    said: list[str] = []
    fetch("tiny", "auto", say=said.append)
    assert said[0] == "tiny: taking packages, not nobody/tiny from the hub: HF_HUB_OFFLINE is set"


def test_only_the_hub_was_asked_for(tiny):
    with pytest.raises(KinprintError, match=r"nobody/tiny from the hub: HF_HUB_OFFLINE is set; zoo\.source=packages"):
        fetch("tiny", "hub", say=str)


def test_a_hub_that_answers_is_preferred(tiny, converted, monkeypatch):
    def download(model: ZooModel, revision: str, out: Path) -> None:
        out.mkdir()
        (out / "config.json").write_text("{}")

    monkeypatch.setattr(hub, "find_revision", lambda model: "0123abc")
    monkeypatch.setattr(hub, "download", download)
    provenance = json.loads((fetch("tiny", say=str) / "kinprint.json").read_text())
    assert (provenance["source"], provenance["revision"]) == ("hub", "0123abc")
    assert not converted


def test_the_catalogue_adds_up():
    for name, model in CATALOGUE.items():
        assert name == model.name
        assert len(model.gguf_sha256) == 64
        assert len({part.wheel_sha256 for part in model.parts}) == len(model.parts)
        assert model.gguf_bytes >= model.download_bytes
