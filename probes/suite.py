"""A suite: an ordered list of canaries with a content hash, kept as one JSON object a line."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from probes.canary import Canary
from probes.errors import SuiteError

_IMAGE = "image"
"""The one key that a canary may do without."""
SHIPPED = Path(__file__).parent / "suites"


@dataclass(frozen=True)
class Suite:
    """An ordered list of canaries. Raises SuiteError when it is empty or an id or a prompt stands twice.

    `drawn` is what a recording's manifest says of a suite that was drawn afresh (`probes.fresh`), beside name and hash.
    """

    name: str
    canaries: tuple[Canary, ...]
    drawn: Mapping[str, str] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        if not self.canaries:
            raise SuiteError(f"suite {self.name!r} has no canaries; give it at least one line")
        for what, values in (
            ("id", [canary.id for canary in self.canaries]),
            ("prompt", [canary.digest for canary in self.canaries]),
        ):
            value, times = Counter(values).most_common(1)[0]
            if times > 1:
                twins = [canary.id for canary in self.canaries if value in (canary.id, canary.digest)]
                raise SuiteError(
                    f"suite {self.name!r} has the same {what} {times} times (canary {twins[0]!r} and "
                    f"{twins[1]!r}); every {what} must stand once"
                )

    def __len__(self) -> int:
        return len(self.canaries)

    @cached_property
    def sha256(self) -> str:
        """Hash of the canonical form, the same on every platform (line ends and key order don't matter)."""
        return hashlib.sha256(self.to_jsonl().encode()).hexdigest()

    @cached_property
    def by_id(self) -> dict[str, Canary]:
        """The canaries by their ids."""
        return {canary.id: canary for canary in self.canaries}

    def to_jsonl(self) -> str:
        """The canonical text of the suite: one JSON object a line, keys in the order of `Canary`."""
        return "".join(json.dumps(canary.row(), ensure_ascii=False) + "\n" for canary in self.canaries)


def shipped_suites() -> list[str]:
    """Names of the suites inside the package."""
    return sorted(path.stem for path in SHIPPED.glob("*.jsonl"))


def load_suite(name_or_path: str | Path) -> Suite:
    """Load a shipped suite by its name, or any suite by the path of its JSONL file.

    The rows go through `datasets` with declared features, so that a wrong type is an error and not a surprise.
    Raises SuiteError naming the file and the line.
    """
    path = SHIPPED / f"{name_or_path}.jsonl"
    if not path.is_file():
        path = Path(name_or_path)
    if not path.is_file():
        raise SuiteError(
            f"there is no suite {str(name_or_path)!r}: neither a file nor one of {', '.join(shipped_suites())}"
        )
    rows = _read_rows(path)
    if not rows:
        raise SuiteError(f"suite {path} has no canaries; give it at least one line")
    return Suite(path.stem, tuple(Canary.of_row(row) for row in _typed(rows, path)))


def _read_rows(path: Path) -> list[dict[str, Any]]:
    rows = []
    keys = set(Canary.__dataclass_fields__) - {_IMAGE}
    try:
        lines = path.read_text(encoding="utf-8").split("\n")  # not splitlines: a prompt may hold U+2028
    except UnicodeDecodeError as error:
        raise SuiteError(f"suite {path} is not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise SuiteError(f"suite {path}, line {number} is not JSON: {error.msg}") from error
        if not isinstance(row, dict) or set(row) - {_IMAGE} != keys:
            got = sorted(row) if isinstance(row, dict) else type(row).__name__
            raise SuiteError(f"suite {path}, line {number} must have the keys {sorted(keys)}; it has {got}")
        for key, value in row.items():
            if not _fits(key, value):
                raise SuiteError(f"suite {path}, line {number} has a {key!r} of the wrong kind: {value!r}")
        rows.append(row)
    return rows


def _fits(key: str, value: Any) -> bool:
    """Whether a value may stand under a key; `datasets` would cast 5 to "5" and true to 1 without a word."""
    if key in ("max_tokens", "draws"):
        return type(value) is int and 0 < value < 2**31
    if key == "messages":
        turns = value if isinstance(value, list) and value else None
        return value is None or (turns is not None and all(_is_turn(turn) for turn in turns))
    return isinstance(value, str) or (key == "text" and value is None)


def _is_turn(turn: Any) -> bool:
    return (
        isinstance(turn, dict)
        and set(turn) == {"role", "content"}
        and turn["role"] in ("system", "user", "assistant")
        and isinstance(turn["content"], str)
    )


def _typed(rows: Sequence[dict[str, Any]], path: Path) -> list[dict[str, Any]]:
    from datasets import Dataset, Features, List, Value  # imported here: it takes a second
    from pyarrow import ArrowException

    text = Value("string")
    # a suite without images is read as ever: the column is there where a canary has one
    image = {_IMAGE: text} if any(_IMAGE in row for row in rows) else {}
    rows = [{**dict.fromkeys(image), **row} for row in rows]
    features = Features(
        **image,
        id=text,
        kind=text,
        text=text,
        messages=List({"role": text, "content": text}),
        max_tokens=Value("int64"),
        draws=Value("int64"),
        why=text,
        source=text,
    )
    try:
        return list(Dataset.from_list(rows, features=features))
    except (ArrowException, TypeError, ValueError, KeyError, AttributeError) as error:
        raise SuiteError(f"suite {path} has a value of the wrong type: {error}") from error
