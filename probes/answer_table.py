"""The table of answers in a recording: one row a canary and draw, in Parquet."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from probes.answer import Answer

_LATER = ("prompt_token_bytes",)  # columns that recordings of earlier versions don't have


def answer_schema() -> Any:
    """The columns of `answers.parquet` (a pyarrow schema)."""
    import pyarrow as pa

    ids, spelled, nats = pa.list_(pa.int32()), pa.list_(pa.binary()), pa.list_(pa.float32())
    columns = {
        **dict.fromkeys(("canary_id", "status", "text", "finish_reason", "error", "asked_at"), pa.string()),
        **dict.fromkeys(("draw", "prompt_tokens", "completion_tokens"), pa.int32()),
        **dict.fromkeys(("token_ids", "topk_ids"), ids),
        **dict.fromkeys(("token_bytes", "topk_bytes", "prompt_token_bytes"), spelled),
        **dict.fromkeys(("topk_logprobs", "prompt_logprobs"), nats),
        "latency_ms": pa.float32(),
    }
    return pa.schema([(name, columns[name]) for name in Answer.__dataclass_fields__])


def is_answer_schema(found: Any) -> bool:
    """Whether these are the columns of answers, of this version or of an earlier one, which had fewer."""
    import pyarrow as pa

    expected = answer_schema()
    return bool(found.equals(pa.schema([one for one in expected if one.name in found.names or one.name not in _LATER])))


def row_of(answer: Answer) -> dict[str, Any]:
    """An answer for the table; half a surrogate pair, which some servers return, is no text in any encoding."""
    row = asdict(answer)
    return {k: v.encode("utf-8", "replace").decode() if isinstance(v, str) else v for k, v in row.items()}


def answer_of(row: dict[str, Any]) -> Answer:
    """A row of the table; its lists become tuples."""
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    return Answer(**values)


def write_answers(path: Path, tables: Iterable[Any]) -> None:
    """Write a table of answers from tables of `answer_schema`, in order of the suite and by draw, one at a time."""
    from pyarrow import parquet

    with parquet.ParquetWriter(path, answer_schema(), compression="zstd") as writer:
        for table in tables:
            writer.write_table(table)
