"""Turns a GGUF file into a folder that vLLM and transformers serve.

Tensors are dequantized and kept in bfloat16: half the disk of float32, and on a CPU with AVX512-BF16 vLLM
serves it about twice as fast. The file holds 4-bit values, so bfloat16 loses next to nothing.
"""

import contextlib
import io
import json
import sys
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any

from runners.zoo.models import ZooModel
from runners.zoo.tokenizer_repairs import REPAIRS


def convert(model: ZooModel, gguf: Path, out: Path) -> dict[str, str]:
    """Write the safetensors folder of a model.

    Parameters: `gguf` is the assembled file, `out` a folder that needn't exist.
    Returns the versions of the libraries that did it, for the provenance.
    """
    import torch
    import transformers

    transformers.utils.logging.disable_progress_bar()
    out.mkdir(parents=True, exist_ok=True)
    source: dict[str, Any] = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    # Reading a GGUF's header takes seconds; with `config` given it isn't read once more for each part.
    config = transformers.AutoConfig.from_pretrained(**source)
    with _progress_on_terminals_only():
        loaded = transformers.AutoModelForCausalLM.from_pretrained(
            **source,
            config=config,
            dtype=torch.bfloat16,
            quantization_config=transformers.GgufConfig(dequantize=True),
        )
    loaded.save_pretrained(out)
    (out / "model.safetensors").chmod(0o644)
    transformers.AutoTokenizer.from_pretrained(**source).save_pretrained(out)
    repair_tokenizer(model, out)
    add_chat_template(model, out)
    return {library: version(library) for library in ("gguf", "torch", "transformers")}


def repair_tokenizer(model: ZooModel, folder: Path) -> None:
    """Apply the model's repairs to `tokenizer.json`, and have every loader take that file as it stands."""
    path = folder / "tokenizer.json"
    tokenizer = json.loads(path.read_text(encoding="utf-8"))
    for repair in model.tokenizer_repairs:
        REPAIRS[repair](tokenizer)
    path.write_text(json.dumps(tokenizer, ensure_ascii=False), encoding="utf-8")
    settings_path = folder / "tokenizer_config.json"
    settings = json.loads(settings_path.read_text(encoding="utf-8"))
    # A class of the model's own would build its tokenizer anew from the vocabulary and drop the repairs.
    settings["tokenizer_class"] = "PreTrainedTokenizerFast"
    if "add_bos" in model.tokenizer_repairs:
        settings["add_bos_token"] = True
    settings_path.write_text(json.dumps(settings, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def add_chat_template(model: ZooModel, folder: Path) -> None:
    """Give a model without a chat template the zoo's stated fallback; one of its own is never replaced."""
    path = folder / "chat_template.jinja"
    if model.chat_template and not path.exists():
        text = resources.files("runners.zoo").joinpath(model.chat_template).read_text(encoding="utf-8")
        path.write_text(text, encoding="utf-8")


def _progress_on_terminals_only() -> contextlib.AbstractContextManager[object]:
    """The GGUF loader draws its bar on stderr whatever it is; in a log that is hundreds of lines."""
    return contextlib.nullcontext() if sys.stderr.isatty() else contextlib.redirect_stderr(io.StringIO())
