"""Other depths: layers dropped, or the stack repeated, and the seam healed by a short training."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from probes.errors import KinprintError
from runners.zoo.derive import change_config, derivative, intermediate
from runners.zoo.fine_tune import fine_tune
from runners.zoo.weights import StoredWeights, save_weights

_LAYER = re.compile(r"^(model\.layers\.)(\d+)(\..+)$")


def drop_layers(source: Path, out: Path, text: str, count: int = 3, seed: int = 0, **healing: Any) -> Path:
    """Leave out `count` layers before the last one, the deepest that a model misses least, then train on `text`.

    Gromov et al. 2024, The unreasonable ineffectiveness of the deeper layers. `healing` goes to `fine_tune`.
    Raises KinprintError if fewer than two layers would stay.
    """
    layers = _layers_of(source)
    if not 0 < count < layers - 1:
        raise KinprintError(f"can't drop {count} of the {layers} layers of {source}; give 1 to {layers - 2}")
    order = [*range(layers - 1 - count), layers - 1]
    return _healed(source, out, order, {"technique": "layer_dropping", "count": count}, text, seed, healing)


def scale_up_depth(source: Path, out: Path, text: str, removed: int = 8, seed: int = 0, **healing: Any) -> Path:
    """Two copies of the stack, the first without its last `removed` layers, the second without its first.

    Kim et al. 2023, SOLAR 10.7B, section 2.1; then the training on `text` that the paper continues with.
    Raises KinprintError if a copy would be empty or nothing is removed.
    """
    layers = _layers_of(source)
    if not 0 < removed < layers:
        raise KinprintError(f"can't remove {removed} of the {layers} layers of each copy; give 1 to {layers - 1}")
    order = [*range(layers - removed), *range(removed, layers)]
    return _healed(source, out, order, {"technique": "depth_upscaling", "removed": removed}, text, seed, healing)


def rearrange_layers(source: Path, out: Path, order: Sequence[int], settings: dict[str, Any]) -> Path:
    """A model whose layer number i is the source's layer `order[i]`; a layer may stand several times or never."""
    stored = StoredWeights(source)
    with derivative(source, out, settings) as made:
        tensors = {name: stored[name] for name in stored.names if not _LAYER.match(name)}
        for name in stored.names:
            if match := _LAYER.match(name):
                places = [place for place, layer in enumerate(order) if layer == int(match[2])]
                tensors |= {f"{match[1]}{place}{match[3]}": stored[name].clone() for place in places}
        save_weights(tensors, made)
        config = json.loads((source / "config.json").read_text("utf-8"))
        changes: dict[str, Any] = {"num_hidden_layers": len(order)}
        if config.get("layer_types"):
            changes["layer_types"] = [config["layer_types"][layer] for layer in order]
        change_config(made, changes)
    return out


def _healed(
    source: Path,
    out: Path,
    order: Sequence[int],
    settings: dict[str, Any],
    text: str,
    seed: int,
    healing: dict[str, Any],
) -> Path:
    if healing.get("steps") == 0:
        return rearrange_layers(source, out, order, settings)
    with intermediate(out) as between:
        return fine_tune(rearrange_layers(source, between, order, settings), out, text, seed=seed, **healing)


def _layers_of(source: Path) -> int:
    return len({match[2] for name in StoredWeights(source).names if (match := _LAYER.match(name))})
