"""What vLLM is told of a model beyond what it sees by itself."""

import json
from pathlib import Path

import pytest

from runners.backends import local_model
from runners.backends.local_model import engine_defaults


@pytest.mark.parametrize("torchvision", [None, "somewhere"])
def test_models_that_see_are_served_by_transformers_where_torchvision_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, torchvision: object
) -> None:
    monkeypatch.setattr(local_model, "find_spec", lambda name: torchvision)
    for name, config in (("reads", {}), ("sees", {"vision_config": {}})):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(json.dumps(config), "utf-8")
    served = {"model_impl": "transformers"} if torchvision is None else {}
    assert engine_defaults(str(tmp_path / "sees")) == served
    assert engine_defaults(str(tmp_path / "reads")) == {}
    assert engine_defaults("org/on-a-hub") == {}
