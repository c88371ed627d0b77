"""Engine arguments of a configuration as words of a command line."""

import json
from collections.abc import Mapping
from typing import Any


def command_line_arguments(settings: Mapping[str, Any]) -> list[str]:
    """`{max_model_len: 2048, enforce_eager: true}` as `--max-model-len 2048 --enforce-eager`.

    False is `--no-KEY`, None is left out, a list is several words, and a mapping is JSON.
    """
    words: list[str] = []
    for key, value in settings.items():
        flag = key.replace("_", "-")
        if value is None:
            continue
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        elif isinstance(value, list):
            words += [f"--{flag}", *map(str, value)]
        else:
            words.append(f"--{flag}={json.dumps(value) if isinstance(value, Mapping) else value}")
    return words
