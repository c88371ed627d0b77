"""What a recording keeps of the positions of its prompts: agreed with the backend, gathered, declared."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from probes.answer import GREEDY
from probes.chosen_tokens import HOW, chosen_tokens
from probes.errors import KinprintError
from probes.journal import Journal
from probes.recording import POSITIONS
from probes.spelling import join_bytes
from probes.suite import Suite
from runners.backends.interface import Backend, Description, Logits, PositionsBackend
from runners.backends.token_bytes import vocabulary_sha256
from runners.sampling import Sampling

TokenIds = npt.NDArray[np.int32]


def agree(backend: Backend, sampling: Sampling, description: Description) -> TokenIds:
    """Tell a started backend what to keep; returns the ids [n_chosen] of the chosen tokens, none where none are kept
    or it is not known which tokens there are.

    Raises KinprintError if the backend can't, or a chosen token is not in the vocabulary.
    """
    ids = np.empty(0, np.int32)
    if not isinstance(backend, PositionsBackend):
        if sampling.positions == "last":
            return ids
        raise KinprintError(f"backend {backend.name} keeps no positions of the prompt; take tier.positions=last")
    if sampling.chooses and description.token_bytes:
        ids = np.array(sampling.chosen_tokens, np.int32)
        if not sampling.chosen_tokens:
            ids = chosen_tokens(description.token_bytes, sampling.position_tokens)
        if ids.max(initial=0) >= len(description.token_bytes):
            raise KinprintError(
                f"tier.chosen_tokens names token {ids.max()}; the vocabulary ends at {len(description.token_bytes) - 1}"
            )
    backend.keep_positions(sampling.positions, ids)
    return ids


def of_last_answer(backend: Backend, token_ids: TokenIds) -> Logits | None:
    """The rows [n_positions, n_chosen] of the answer that the backend has just yielded, where it keeps any."""
    return backend.position_logits() if len(token_ids) and isinstance(backend, PositionsBackend) else None


def arrays(journal: Journal, suite: Suite, description: Description, token_ids: TokenIds) -> dict[str, dict[str, Any]]:
    """The file of positions, as `probes.recording.Recording.positions` describes it; none where nothing was chosen.

    Tokens that hardly ever came back, and then rows that lack one, are left out: every number is one.
    """
    kept = [(place, canary.id) for place, canary in enumerate(suite.canaries) if canary.id in journal.positions]
    if not len(token_ids) or not kept:
        return {}
    counts = [len(journal.positions[name]) for _, name in kept]
    ends = [journal.answers[name, GREEDY].prompt_tokens or 0 for _, name in kept]
    logits = journal.position_logits(name for _, name in kept)
    known = np.isfinite(logits)
    columns = known.mean(axis=0) > 0.5
    rows = known[:, columns].all(axis=1)
    token_ids = token_ids[columns]
    if not rows.any():
        return {}
    position = _concatenated([np.arange(end - count, end) for end, count in zip(ends, counts, strict=True)])
    content, offsets = join_bytes([description.token_bytes[number] for number in token_ids])
    return {
        POSITIONS: {
            "logits": logits[np.ix_(rows, columns)],
            "canary_index": np.repeat([place for place, _ in kept], counts).astype(np.int32)[rows],
            "position": position[rows],
            "token_ids": token_ids,
            "token_bytes": content,
            "token_offsets": offsets,
        }
    }


def declared(
    sampling: Sampling, arrays: Mapping[str, Any], description: Description, beside: Mapping[str, int] | None
) -> dict[str, Any]:
    """What the manifest says, under `access`, of what was reduced and how; `beside` is what chosen tokens cost, where
    they took queries of their own. Nothing where nothing was kept.
    """
    if sampling.positions == "last" or (sampling.positions == "chosen" and POSITIONS not in arrays):
        return {"positions": {"kept": "last", "asked": dict(beside)}} if beside else {}
    said: dict[str, Any] = {"kept": sampling.positions, "prompt_logprobs": sampling.positions in ("surprisal", "every")}
    if sampling.chooses:
        said["tokens"] = len(arrays[POSITIONS]["token_ids"]) if POSITIONS in arrays else 0
        said["chosen"] = "as named" if sampling.chosen_tokens else HOW
        said["values"] = "raw logits"
    if beside:
        said |= {"values": "logits up to a constant of each prompt", "asked": dict(beside)}
        said["vocabulary_sha256"] = vocabulary_sha256(description.token_bytes)
    return {"positions": said}


def _concatenated(parts: Sequence[npt.NDArray[np.int64]]) -> TokenIds:
    return np.concatenate([np.empty(0, np.int64), *parts]).astype(np.int32)
