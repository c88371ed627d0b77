"""Chain of custody: every raw response of a run, as it came, beside the answers that were read from it.

While a run lasts, `raw.jsonl` gets a line before each request is sent (so that a killed run's spending is known) and
one when it is done. The finished recording holds `raw.jsonl.zst`: the exchanges alone, in the order of the plan.
"""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from probes.errors import RecordingError
from runners.api.exchange import CHOSEN, NEGOTIATION, Exchange, Key
from runners.api.retry import transient
from runners.budget import Budget

LINES = "raw.jsonl"
KEPT = "raw.jsonl.zst"


class Custody:
    """The raw exchanges of the recording in `folder`. What an earlier run kept is looked up, not asked again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._offsets: dict[Key, int] = {}
        length = self._read()
        self._file = open(folder / LINES, "a+b")  # noqa: SIM115  # closed by close()
        self._file.truncate(length)

    def find(self, key: Key, path: str, request: dict[str, Any]) -> Exchange | None:
        """The exchange that was kept for a request, if it was exactly this one and another try would be no better."""
        if key not in self._offsets:
            return None
        found = self._at(self._offsets[key])
        same = found.path == path and found.request == request and found.unsent is None
        settled = found.last is not None and not transient(found.last)
        return found if same and settled else None

    def sending(self, prompt_tokens: int, completion_tokens: int) -> None:
        """Note, before a request is sent, what it may cost at most."""
        self._write({"sending": [prompt_tokens, completion_tokens]})

    def keep(self, exchange: Exchange, correction: tuple[int, int]) -> None:
        """Keep an exchange, and by how many tokens (prompt, completion) it cost more than was noted before."""
        self._file.seek(0, os.SEEK_END)
        self._offsets[exchange.key] = self._file.tell()
        self._write({"exchange": exchange.to_line(), "correction": list(correction)})

    def charge(self, budget: Budget) -> None:
        """Count what earlier runs spent: what is known of finished requests, the worst case of those cut off."""
        sent = prompt = completion = 0
        for line in self._lines():
            tokens = line["sending"] if "sending" in line else line["correction"]
            sent, prompt, completion = sent + ("sending" in line), prompt + tokens[0], completion + tokens[1]
        budget.spend(prompt, completion, requests=sent)

    def finish(self, order: Iterable[Key]) -> str:
        """Write the kept form: the negotiation, then by `order`, then chosen tokens; returns its file name."""
        import pyarrow

        asked_before = sorted(key for key in self._offsets if key[0] == NEGOTIATION)
        with pyarrow.output_stream(str(self.folder / KEPT), compression="zstd") as file:
            for key in [*asked_before, *order, *self._beside()]:
                if key in self._offsets:
                    line = json.dumps(self._at(self._offsets[key]).to_line(), ensure_ascii=False, sort_keys=True)
                    file.write(line.encode("utf-8", "surrogatepass") + b"\n")
        return KEPT

    def spent_beside(self) -> dict[str, int]:
        """Queries, and tokens as far as they are known, that chosen tokens took beside the answers."""
        asked = [found.last.usage for key in self._beside() if (found := self._at(self._offsets[key])).last is not None]
        prompt, completion = (sum(usage[place] or 0 for usage in asked) for place in (0, 1))
        return {"queries": len(asked), "prompt_tokens": prompt, "completion_tokens": completion}

    def close(self) -> None:
        """Close the file; what it holds stays for the next run."""
        self._file.close()

    def delete(self) -> None:
        """Remove the working file, once the kept form has been written or nothing of it is worth keeping."""
        self.close()
        (self.folder / LINES).unlink(missing_ok=True)

    def _beside(self) -> list[Key]:
        return sorted(key for key in self._offsets if key[0].endswith(CHOSEN))

    def _write(self, line: dict[str, Any]) -> None:
        self._file.seek(0, os.SEEK_END)
        self._file.write(json.dumps(line).encode() + b"\n")
        self._file.flush()

    def _at(self, offset: int) -> Exchange:
        self._file.seek(offset)
        return Exchange.from_line(json.loads(self._file.readline())["exchange"])

    def _lines(self) -> Iterator[dict[str, Any]]:
        self._file.seek(0)
        for raw in self._file:
            yield json.loads(raw)

    def _read(self) -> int:
        """Find what an earlier run kept; returns how many bytes of it are whole lines."""
        path, length = self.folder / LINES, 0
        if not path.exists():
            return 0
        with path.open("rb") as file:
            for raw in file:
                if not raw.endswith(b"\n"):
                    break  # the line that was being written when the run was killed
                try:
                    line = json.loads(raw)
                except ValueError as error:
                    raise RecordingError(f"{path} is damaged; delete {self.folder} and collect again") from error
                if "exchange" in line:
                    name, draw = line["exchange"]["key"]
                    self._offsets[name, draw] = length
                length += len(raw)
        return length


def read_exchanges(folder: Path) -> Iterator[Exchange]:
    """The raw exchanges of a finished recording."""
    import pyarrow

    with pyarrow.input_stream(str(folder / KEPT), compression="zstd") as file:
        for line in file.read().splitlines():
            yield Exchange.from_line(json.loads(line))
