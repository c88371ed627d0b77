"""Descendants of a model, made from its files: rounded, noised, pruned. The other techniques are in `techniques/`.

Each recipe takes a model folder and writes a new one; it streams the tensors and never loads the model.
With the same seed it writes the same bytes.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from probes.errors import KinprintError

if TYPE_CHECKING:
    import torch

PROVENANCE = "kinprint.json"

Change = Callable[[str, "torch.Tensor"], "torch.Tensor"]


def round_weights(source: Path, out: Path, bits: int, group_size: int = 32, *, embeddings: bool = False) -> Path:
    """Round projections to the nearest of at most 2**bits levels, symmetric around zero, per group of a row.

    Plain round-to-nearest quantization, written back in the source's dtype so that any engine serves it.
    Parameters: `bits` from 2 to 8; `group_size` consecutive inputs share a scale; `embeddings` rounds the
    embedding and output matrices too.
    Raises KinprintError for an unreadable source, an existing `out` or bits out of range.
    """
    if not 2 <= bits <= 8:
        raise KinprintError(f"can't round weights to {bits} bits; choose 2 to 8")
    top = 2 ** (bits - 1) - 1

    def change(name: str, tensor: "torch.Tensor") -> "torch.Tensor":
        import torch

        width = tensor.shape[1]
        padded = torch.nn.functional.pad(tensor.float(), (0, -width % group_size))
        groups = padded.reshape(tensor.shape[0], -1, group_size)  # [rows, groups, group_size]
        scale = groups.abs().amax(dim=2, keepdim=True).clamp_min(torch.finfo(torch.float32).tiny) / top
        rounded: torch.Tensor = (groups / scale).round().clamp(-top, top) * scale
        return rounded.reshape(tensor.shape[0], -1)[:, :width]

    settings = {"technique": "rounding", "bits": bits, "group_size": group_size, "embeddings": embeddings}
    return rewrite(source, out, change, settings, embeddings=embeddings)


def add_noise(source: Path, out: Path, relative_std: float, seed: int = 0, *, embeddings: bool = True) -> Path:
    """Add Gaussian noise of `relative_std` times each matrix's own standard deviation.

    Raises KinprintError for an unreadable source, an existing `out` or a negative size.
    """
    if not relative_std >= 0:
        raise KinprintError(f"can't add noise of relative size {relative_std}; give a number of at least 0")

    def change(name: str, tensor: "torch.Tensor") -> "torch.Tensor":
        return noisy(tensor, name, relative_std, seed)

    settings = {"technique": "noise", "relative_std": relative_std, "seed": seed, "embeddings": embeddings}
    return rewrite(source, out, change, settings, embeddings=embeddings)


def noisy(tensor: "torch.Tensor", name: str, relative_std: float, seed: int) -> "torch.Tensor":
    """A tensor in float32 with Gaussian noise of `relative_std` times its own standard deviation."""
    import torch

    # A generator for each tensor: the result doesn't depend on the order in which files hold them.
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))
    weights = tensor.float()
    return weights + torch.randn(weights.shape, generator=generator) * (weights.std() * relative_std)


def prune_by_magnitude(source: Path, out: Path, fraction: float, *, embeddings: bool = False) -> Path:
    """Set the smallest `fraction` of each projection's weights to zero.

    Raises KinprintError for an unreadable source, an existing `out` or a fraction outside 0 to 1.
    """
    if not 0 <= fraction <= 1:
        raise KinprintError(f"can't prune a fraction of {fraction}; give a number from 0 to 1")

    def change(name: str, tensor: "torch.Tensor") -> "torch.Tensor":
        pruned = tensor.flatten().clone()
        # Sorted, not thresholded: dequantized weights hold many ties and the fraction would be missed.
        smallest = pruned.float().abs().argsort(stable=True)[: round(fraction * pruned.numel())]
        pruned[smallest] = 0
        return pruned.reshape(tensor.shape)

    settings = {"technique": "pruning", "fraction": fraction, "embeddings": embeddings}
    return rewrite(source, out, change, settings, embeddings=embeddings)


def rewrite(source: Path, out: Path, change: Change, settings: dict[str, Any], *, embeddings: bool) -> Path:
    """Copy a model folder with `change` applied to its matrices; norms and biases stay as they are.

    `change` gets a name and a tensor [outputs, inputs] and returns one of the same shape; the dtype is kept.
    `embeddings` says whether the embedding and output matrices count as well. Returns `out`.
    """
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import save_file

    with derivative(source, out, settings) as made:
        for path in sorted(source.glob("*.safetensors")):
            tensors = {}
            try:
                with safe_open(path, framework="pt") as stored:
                    for name in stored.keys():  # noqa: SIM118 (not a dict)
                        tensor = stored.get_tensor(name)
                        if tensor.ndim == 2 and (embeddings or not is_embedding(name)):
                            tensor = change(name, tensor).to(tensor.dtype).contiguous()
                        tensors[name] = tensor
            except SafetensorError as error:
                raise KinprintError(f"can't read the weights in {path}: {error}") from error
            save_file(tensors, made / path.name, metadata={"format": "pt"})
    return out


def is_embedding(name: str) -> bool:
    """Whether a tensor turns tokens into vectors or vectors into logits."""
    return "embed" in name or "lm_head" in name


@contextmanager
def intermediate(out: Path) -> Iterator[Path]:
    """Where a technique of two steps puts the model between them; nothing of it stays behind."""
    between = out.with_name(out.name + ".between")
    shutil.rmtree(between, ignore_errors=True)
    try:
        yield between
    finally:
        shutil.rmtree(between, ignore_errors=True)


def change_config(folder: Path, changes: dict[str, Any]) -> None:
    """Set keys of a model's `config.json`."""
    path = folder / "config.json"
    config = {**json.loads(path.read_text("utf-8")), **changes}
    path.write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", "utf-8")


@contextmanager
def new_model(out: Path, settings: dict[str, Any], origin: Path | None = None) -> Iterator[tuple[Path, dict[str, Any]]]:
    """An empty folder that becomes `out` at the end, and facts to be filled in on the way.

    `settings` and facts are added to the `derived` list in the provenance of the `origin`. Nothing stays behind when
    the body fails. Raises KinprintError if `out` exists.
    """
    if out.exists():
        raise KinprintError(f"{out} exists already; remove it or choose another folder for the model")
    made = out.with_name(out.name + ".partial")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    known = origin / PROVENANCE if origin is not None else None
    provenance = json.loads(known.read_text("utf-8")) if known is not None and known.is_file() else {}
    facts: dict[str, Any] = {}
    try:
        yield made, facts
        provenance["derived"] = [*provenance.get("derived", []), settings | facts]
        (made / PROVENANCE).write_text(json.dumps(provenance, indent=2, ensure_ascii=False) + "\n", "utf-8")
        os.replace(made, out)
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def derivative(source: Path, out: Path, settings: dict[str, Any]) -> Iterator[Path]:
    """A folder to write a derivative into: the source's files without weights; it becomes `out` at the end.

    `settings` are added to the `derived` list in the provenance. Nothing stays behind when the body fails.
    """
    if not any(source.glob("*.safetensors")):
        raise KinprintError(f"{source} is not a model folder: it holds no .safetensors file")
    with new_model(out, settings, source) as (made, _):
        shutil.copytree(source, made, ignore=shutil.ignore_patterns("*.safetensors", ".*"), dirs_exist_ok=True)
        yield made
