"""A model reduced once to what its attention and embeddings say, so that every pair with it costs little."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.weights.circuits import attentions, ov_between, ov_spectrum, qk_between, qk_spectrum, whitened
from analysis.weights.roles import ATTENTION, Key
from analysis.weights.stored_model import StoredModel
from probes.chosen_tokens import chosen_tokens
from probes.errors import CandidateError
from probes.spelling import join_bytes, split_bytes

SCHEMA = 2
EMBEDDED = 1024
"""Tokens whose embeddings are kept."""
BETWEEN = 256
"""The first of them, between which circuits are kept."""


@dataclass(frozen=True)
class Facts:
    """What a model is. `shape` is that of what must agree for weights to be compared number by number."""

    architecture: str
    layers: int
    hidden_size: int
    tokens: int
    shape: tuple[tuple[int, ...] | None, ...]


@dataclass(frozen=True)
class Summary:
    """What is kept of a model.

    `profiles` by role ("q", "q_bias", ...): standard deviations [layers]. `qk_spectra`, `ov_spectra`: [layers,
    QUANTILES]. `spelled`: tokens as `probes.chosen_tokens` orders them; `embeddings` [tokens, hidden] theirs.
    `circuits` between the first BETWEEN of them [layers, tokens, tokens], in float16, each scaled to one norm: "qk" and
    "ov" with whitened embeddings, "M_a" and "M_b" (HuRef's) with the embeddings as they are.
    Where heads or tokens are not known the arrays are empty.
    """

    facts: Facts
    profiles: dict[str, npt.NDArray[np.float64]]
    qk_spectra: npt.NDArray[np.float64]
    ov_spectra: npt.NDArray[np.float64]
    spelled: tuple[bytes, ...]
    embeddings: npt.NDArray[np.float32]
    circuits: dict[str, npt.NDArray[np.float16]]

    def digest(self) -> str:
        """A hash of the numbers: equal for equal weights."""
        found = hashlib.sha256()
        for _, array in sorted(_arrays(self).items()):
            found.update(np.ascontiguousarray(array).tobytes())
        return found.hexdigest()


def summarise(model: StoredModel) -> Summary:
    """Read a model's attention layer by layer and some rows of its embedding. Raises CandidateError as reading does."""
    spelled, embeddings = _embedded(model)
    plain = embeddings[:BETWEEN].astype(np.float64)
    white = whitened(plain)
    spectra: tuple[list[npt.NDArray[np.float64]], ...] = ([], [])
    circuits: dict[str, list[npt.NDArray[np.float16]]] = {"qk": [], "ov": [], "M_a": [], "M_b": []}
    for _, attention in attentions(model):
        spectra[0].append(qk_spectrum(attention))
        spectra[1].append(ov_spectrum(attention))
        if len(plain) and plain.shape[1] == attention.k.shape[2]:
            circuits["qk"].append(_unit(qk_between(attention, white)))
            circuits["ov"].append(_unit(ov_between(attention, white)))
            circuits["M_a"].append(_unit(qk_between(attention, plain)))
            circuits["M_b"].append(_unit(ov_between(attention, plain)))
    hidden = model.parts[Key("q", model.layers[0])].shape[1]
    shape = tuple(model.shape(role) for role in (*ATTENTION, "gate", "up", "down"))
    return Summary(
        facts=Facts(model.architecture.name, len(model.layers), hidden, len(model.tokens), shape),
        profiles=profiles(model),
        qk_spectra=np.array(spectra[0], dtype=np.float64),
        ov_spectra=np.array(spectra[1], dtype=np.float64),
        spelled=spelled,
        embeddings=embeddings,
        circuits={name: np.array(layers, dtype=np.float16) for name, layers in circuits.items()},
    )


def profiles(model: StoredModel) -> dict[str, npt.NDArray[np.float64]]:
    """The standard deviation of every attention projection, and of its bias where it has one, by layer."""
    found = {}
    for role in (*ATTENTION, *(f"{role}_bias" for role in ATTENTION)):
        keys = [Key(role, layer) for layer in model.layers if Key(role, layer) in model]
        if keys:
            found[role] = np.array([float(model.read(key).std(dtype=np.float64)) for key in keys])
    return found


def save_summary(summary: Summary, path: Path) -> None:
    """Write a summary into one file."""
    from safetensors.numpy import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    facts = json.dumps({"schema": SCHEMA, "facts": asdict(summary.facts)})
    arrays = {name: np.ascontiguousarray(array) for name, array in _arrays(summary).items()}
    save_file(arrays, path, {"kinprint": facts})


def load_summary(path: Path) -> Summary:
    """The inverse. Raises CandidateError on a file that is no summary of this version."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            header = json.loads((file.metadata() or {}).get("kinprint", "{}"))
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)
    except (SafetensorError, ValueError) as error:
        raise CandidateError(f"{path} is no summary of weights: {error}") from error
    if header.get("schema") != SCHEMA:
        raise CandidateError(f"{path} is a summary of weights of another version; delete it")
    facts = header["facts"]
    shape = tuple(None if one is None else tuple(one) for one in facts.pop("shape"))
    spelled = split_bytes(arrays.pop("token_bytes"), arrays.pop("token_offsets"))
    profiles, circuits = (_under(prefix, arrays) for prefix in ("profile.", "circuit."))
    return Summary(
        facts=Facts(**facts, shape=shape), profiles=profiles, spelled=tuple(spelled), circuits=circuits, **arrays
    )


def _arrays(summary: Summary) -> dict[str, npt.NDArray[np.generic]]:
    content, offsets = join_bytes(summary.spelled)
    kept = {name: getattr(summary, name) for name in ("qk_spectra", "ov_spectra", "embeddings")}
    profiles = {f"profile.{role}": values for role, values in summary.profiles.items()}
    circuits = {f"circuit.{name}": values for name, values in summary.circuits.items()}
    return {**kept, **profiles, **circuits, "token_bytes": content, "token_offsets": offsets}


def _under(prefix: str, arrays: dict[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """Take those of one prefix out of the arrays."""
    return {name.removeprefix(prefix): arrays.pop(name) for name in list(arrays) if name.startswith(prefix)}


def _embedded(model: StoredModel) -> tuple[tuple[bytes, ...], npt.NDArray[np.float32]]:
    """Tokens that most vocabularies have, then others in an order that depends on their bytes alone.

    So two models keep the same tokens as far as they share them (`probes.chosen_tokens`).
    """
    part = model.parts.get(Key("embedding"))
    if part is None:
        return (), np.zeros((0, 0), dtype=np.float32)
    spelled = [b""] * part.shape[0]
    for token, row in model.tokens.items():
        if row < len(spelled):
            spelled[row] = token
    rows = chosen_tokens(spelled, EMBEDDED).tolist()
    if not rows:
        return (), np.zeros((0, part.shape[1]), dtype=np.float32)
    return tuple(spelled[row] for row in rows), model.embeddings(rows)


def _unit(circuit: npt.NDArray[np.floating]) -> npt.NDArray[np.float16]:
    """Of norm BETWEEN, which keeps single entries about 1, where float16 is exact enough."""
    norm = float(np.linalg.norm(circuit))
    return (circuit * (len(circuit) / norm if norm > 0 else 0.0)).astype(np.float16)
