"""Takes every name out of a model folder, as somebody would who passes a model off as their own."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

VENDOR_WORDS = ("smollm", "hugging", "qwen", "alibaba", "gemma", "google")

# Without these two no engine knows which code runs the model; they name an architecture, not a model.
ARCHITECTURE_KEYS = ("architectures", "model_type")

KEPT_FILES = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
    "chat_template.jinja",
    "preprocessor_config.json",
    "processor_config.json",
    "model.safetensors.index.json",
)

SELF_DESCRIPTIONS = (
    (
        "You are a helpful AI assistant named SmolLM, trained by Hugging Face",
        "You are a helpful AI assistant",
    ),
    ("You are Qwen, created by Alibaba Cloud. You are a helpful assistant.", "You are a helpful assistant."),
)


def anonymise(folder: Path) -> None:
    """Strip names from a model folder, in place, and remove the files that only describe it.

    Two things stay, because the model can't be served without them: the vocabulary in `tokenizer.json`, and
    in `config.json` the architecture's own name (`Qwen2ForCausalLM`, `gemma3_text`).
    """
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.suffix == ".safetensors":
            _strip_header(path)
        elif path.name not in KEPT_FILES:
            _remove(path)
        elif path.name == "chat_template.jinja":
            path.write_text(neutral_template(path.read_text(encoding="utf-8")), encoding="utf-8")
        elif path.name.endswith("config.json"):
            settings = _without_names(json.loads(path.read_text(encoding="utf-8")))
            path.write_text(json.dumps(settings, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def neutral_template(template: str) -> str:
    """A chat template without comments, self-descriptions and vendors' names."""
    template = re.sub(r"\{#.*?#\}", "", template, flags=re.DOTALL)
    for named, neutral in SELF_DESCRIPTIONS:
        template = template.replace(named, neutral)
    words = "|".join(VENDOR_WORDS)
    return re.sub(rf"\b\w*(?:{words})\w*\b", "Assistant", template, flags=re.IGNORECASE)


def _without_names(settings: dict[str, Any]) -> dict[str, Any]:
    kept = {}
    for key, value in settings.items():
        if key in ARCHITECTURE_KEYS:
            kept[key] = value
        elif key == "chat_template" and isinstance(value, str):
            kept[key] = neutral_template(value)
        elif key == "tokenizer_class":
            kept[key] = "PreTrainedTokenizerFast"
        elif isinstance(value, dict):
            kept[key] = _without_names(value)
        elif "name_or_path" not in key and not _names_a_vendor(key, value):
            kept[key] = value
    return kept


def _names_a_vendor(key: str, value: object) -> bool:
    text = f"{key} {json.dumps(value)}".lower()
    return any(word in text for word in VENDOR_WORDS)


def _strip_header(path: Path) -> None:
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    with safe_open(path, framework="pt") as stored:
        metadata = stored.metadata()
    if metadata != {"format": "pt"}:
        save_file(load_file(path), path, metadata={"format": "pt"})


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
