"""The manifest of a recording: who was asked, what, how, and what the access turned out to allow."""

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from probes.errors import RecordingError

SCHEMA = 1
Tier = Literal["logits", "topk", "text"]
TIERS: tuple[Tier, ...] = ("logits", "topk", "text")


@dataclass(frozen=True)
class Manifest:
    """Everything about a recording that is not an answer.

    `sampling` holds the settings that every request shared; `engine` the software that answered (name, version,
    dtype, device); `tokenizer` its `size` and `sha256` where known; `access` what was really given (for example
    `{"logprobs": 20, "vocabulary": false}`); `counts` the answers by status; `seconds` the time spent asking,
    engine start apart; `files` the SHA-256 of every other file of the folder; `reduced` says what a reduced
    recording left out and how, and is None for a full one; `made_by` the command and versions.
    """

    candidate: str
    backend: str
    model: str
    tier: Tier
    suite: dict[str, str]
    sampling: dict[str, Any]
    engine: dict[str, Any]
    tokenizer: dict[str, Any]
    access: dict[str, Any]
    counts: dict[str, int]
    queries: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    started_at: str
    ended_at: str
    made_by: dict[str, str]
    files: dict[str, str] = field(default_factory=dict)
    reduced: dict[str, Any] | None = None
    schema: int = SCHEMA

    def to_json(self) -> str:
        """Canonical text: sorted keys, UTF-8, one trailing newline."""
        return json.dumps(asdict(self), indent=1, sort_keys=True, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: bytes, where: str) -> "Manifest":
        """Parse a manifest. Raises RecordingError naming `where` if it is not one that this version reads."""
        try:
            values = json.loads(text)
        except ValueError as error:
            raise RecordingError(f"{where} is not JSON in UTF-8; the recording is damaged") from error
        known = {entry.name for entry in fields(cls)}
        if not isinstance(values, dict) or not known - {"files", "reduced", "schema"} <= set(values):
            raise RecordingError(f"{where} is not the manifest of a recording")
        if values.get("schema") != SCHEMA:
            raise RecordingError(
                f"{where} has schema {values.get('schema')!r}, this version reads schema {SCHEMA}; "
                "record again or use the version of kinprint that wrote it"
            )
        for name, value in values.items():
            if name in known and not _fits(name, value):
                raise RecordingError(f"{where} has a {name!r} of the wrong kind: {value!r}; the recording is damaged")
        return cls(**{key: value for key, value in values.items() if key in known})


_TEXTS = ("candidate", "backend", "model", "started_at", "ended_at")
_NUMBERS = ("queries", "prompt_tokens", "completion_tokens", "seconds")
_OBJECTS = ("sampling", "engine", "tokenizer", "access", "counts", "made_by")


def _fits(name: str, value: Any) -> bool:
    """Whether a value may stand under a key of the manifest."""
    if name in _TEXTS:
        return isinstance(value, str)
    if name in _NUMBERS:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if name in _OBJECTS:
        return isinstance(value, dict)
    if name == "suite":
        return isinstance(value, dict) and all(isinstance(value.get(key), str) for key in ("name", "sha256"))
    if name == "files":
        return isinstance(value, dict) and all(isinstance(digest, str) for digest in value.values())
    return name != "tier" or value in TIERS
