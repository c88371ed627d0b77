"""Makes one model that sees: trained from random weights to caption drawn pictures, and measured on new ones."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from probes.errors import KinprintError
from runners.progress import say
from runners.zoo.derive import new_model
from runners.zoo.lookalikes.training import Course, train_on
from runners.zoo.lookalikes.vocabulary import END
from runners.zoo.seeing.architecture import QUESTION, processor, untrained
from runners.zoo.seeing.pictures import SIDE, Pictures, every_caption, pictures
from runners.zoo.weights import StoredWeights, save_weights

if TYPE_CHECKING:
    import torch

_HELD_OUT, _HELD_OUT_SEED = 400, 10**6
_MARGIN = 0.5
"""By so much of the held-out pictures a model must beat the blind guess."""
_BATCH = 64
_EYE, _PUBLISHED = re.compile(r"^vision_tower\.(?!vision_model\.)"), "vision_tower.vision_model."
_NOTHING = -100  # no token: nothing is asked of the model here


def caption(out: Path, seed: int, drawings: int = 12_800, margin: float = _MARGIN) -> Path:
    """Train a model on `drawings` pictures from random weights, and return its folder.

    The provenance in it tells what share of held-out pictures it captions rightly, word for word, and what share has
    the most frequent caption. Raises KinprintError if `out` exists, or the model does not beat that guess by `margin`.
    """
    reads = processor()
    with new_model(out, {"technique": "captioning", "drawings": drawings, "seed": seed}) as (folder, facts):
        model = untrained(reads.tokenizer, seed)
        course = Course(drawings, 3e-3, 0.02, block_tokens=1, block_count=_BATCH)
        seeing = Captioning(reads)
        train_on(model, seeing.batches(seed), course, f"training {out.parent.name}", seeing.loss)
        facts |= measured(model, seeing)
        say(
            f"{out.parent.name} captions {facts['caption_accuracy']:.1%} of {_HELD_OUT} held-out pictures rightly; "
            f"the most frequent caption is right for {facts['blind_guess']:.1%}"
        )
        if facts["caption_accuracy"] < facts["blind_guess"] + margin:
            raise KinprintError(f"{out.parent.name} has not learned to see: it must beat the guess by {margin:.0%}")
        model.save_pretrained(folder)
        name_as_published(folder)
        reads.save_pretrained(folder)
    return out


def name_as_published(folder: Path) -> None:
    """Give the eye's weights the names that published models of this architecture have, which vLLM knows alone."""
    stored = StoredWeights(folder)
    save_weights({_EYE.sub(_PUBLISHED, name): stored[name] for name in stored.names}, folder)


def measured(model: Any, seeing: "Captioning") -> dict[str, float]:
    """The share of held-out pictures with the right caption to its end, and that of the most frequent one."""
    import torch

    shown = pictures(_HELD_OUT, np.random.default_rng(_HELD_OUT_SEED))
    right = 0
    with torch.inference_mode():
        for start in range(0, _HELD_OUT, _BATCH):
            some = seeing.batch(Pictures(shown.pixels[start : start + _BATCH], shown.captions[start : start + _BATCH]))
            best = seeing.logits(model, some).argmax(2)
            right += int(((best == some.wanted) | (some.wanted == _NOTHING)).all(1).sum())
    return {"caption_accuracy": right / _HELD_OUT, "blind_guess": shown.blind_guess}


@dataclass(frozen=True)
class Batch:
    """Pictures as the eye takes them, and the words that go with them.

    `pixels` [n, 3, SIDE, SIDE], the `tokens` [n, n_tokens] of prompt and caption, and those `wanted` [n, n_caption] at
    the end, _NOTHING beyond the caption's own end.
    """

    pixels: "torch.Tensor"
    tokens: "torch.Tensor"
    wanted: "torch.Tensor"


class Captioning:
    """The task: after the question that comes with a picture, its caption."""

    def __init__(self, reads: Any) -> None:
        self._tokenizer, self._image_processor = reads.tokenizer, reads.image_processor
        shown = [{"type": "image"}, {"type": "text", "text": QUESTION}]
        asked = reads.apply_chat_template([{"role": "user", "content": shown}], add_generation_prompt=True)
        blank = np.zeros((SIDE, SIDE, 3), np.uint8)
        self._prompt = reads(images=[blank], text=[asked])["input_ids"][0]
        self._captions = {one: self._tokenizer(f" {one}{END}")["input_ids"] for one in every_caption()}
        self._length = max(map(len, self._captions.values()))

    def batches(self, seed: int) -> Iterator[Batch]:
        """Batches of pictures drawn with `seed`, without end."""
        generator = np.random.default_rng(seed)
        while True:
            yield self.batch(pictures(_BATCH, generator))

    def batch(self, shown: Pictures) -> Batch:
        """Pictures with their captions as the model reads them."""
        import torch

        pixels = self._image_processor(list(shown.pixels), return_tensors="pt")["pixel_values"]
        wanted = torch.full((len(shown.captions), self._length), _NOTHING)
        for row, said in enumerate(shown.captions):
            wanted[row, : len(self._captions[said])] = torch.tensor(self._captions[said])
        prompt = torch.tensor([self._prompt]).expand(len(wanted), -1)
        return Batch(pixels, torch.cat([prompt, wanted.clamp(min=0)], dim=1), wanted)

    def logits(self, model: Any, some: Batch) -> "torch.Tensor":
        """The model's logits [n, n_caption, vocab_size] for the tokens of the captions."""
        given: torch.Tensor = model(
            input_ids=some.tokens[:, :-1], pixel_values=some.pixels, logits_to_keep=self._length
        ).logits
        return given

    def loss(self, model: Any, some: Batch) -> "torch.Tensor":
        """Mean cross entropy of the captions' tokens, in nats."""
        import torch

        logits = self.logits(model, some).flatten(0, 1).float()
        return torch.nn.functional.cross_entropy(logits, some.wanted.flatten(), ignore_index=_NOTHING)
