"""From spilled rows to recordings: one a model, with the suite that all the rows together imply."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from probes.answer import GREEDY, Answer, counts_by_status
from probes.answer_table import answer_schema, write_answers
from probes.canary import Canary
from probes.manifest import Manifest, Tier
from probes.recording import ANSWERS, Recording, folder_name, seal_recording
from probes.suite import Suite
from runners.backends.interface import utc_now
from runners.imports.spill import Prompt, Spill

_MAX_TOKENS = 16  # for asking an imported suite again: its own settings are not known
_MAX_DRAWS = 16
_ROWS = 65_536  # of a table; bounds the memory


def implied_suite(name: str, source: str, prompts: Sequence[Prompt], models: int) -> Suite:
    """The suite that foreign rows imply; a prompt that only some of the models answered says so in its `why`."""
    return Suite(name, tuple(_canary(prompt, source, models) for prompt in prompts))


def write_recording(
    folder: Path, spill: Spill, model: str, suite: Suite, source: str, made_by: dict[str, str]
) -> Recording:
    """Write the recording of one model, a table of answers at a time."""
    target = folder / folder_name(model)
    target.mkdir()
    facts = _Facts()
    write_answers(target / ANSWERS, _tables(spill.answers(model), suite, facts))
    now = utc_now()
    manifest = Manifest(
        candidate=model,
        backend="import",
        model=model,
        tier=cast(Tier, "topk" if facts.top_k else "text"),
        suite={"name": suite.name, "sha256": suite.sha256},
        sampling={"temperatures": sorted(facts.temperatures)},
        engine={"name": "imported", "source": source},
        tokenizer={},
        access={"prompts_answered": facts.prompts, "prompts_in_suite": len(suite), "logprobs": facts.top_k},
        counts=counts_by_status(facts.counts),
        queries=facts.counts.total(),
        prompt_tokens=0,
        completion_tokens=0,
        seconds=0.0,
        started_at=now,
        ended_at=now,
        made_by=made_by,
    )
    return seal_recording(target, manifest, suite)


def _canary(prompt: Prompt, source: str, models: int) -> Canary:
    digest = Canary("?", "imported", prompt.text, None, 1, 1, "", "").digest
    some = prompt.models < models
    return Canary(
        id=prompt.canary_id or digest,
        kind="imported",
        text=prompt.text,
        messages=None,
        max_tokens=_MAX_TOKENS,
        draws=min(prompt.draws, _MAX_DRAWS),
        why=f"imported; answered by only {prompt.models} of {models} models" if some else "imported",
        source=source,
    )


class _Facts:
    """What is learned of a model while its rows go by."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.temperatures: set[float] = set()
        self.prompts = 0
        self.top_k = 0


def _tables(groups: Iterator[tuple[int, list[tuple[Any, ...]]]], suite: Suite, facts: _Facts) -> Iterator[pa.Table]:
    """Tables of about `_ROWS` answers, in the order of the suite and by draw."""
    rows: list[dict[str, Any]] = []
    order: list[npt.NDArray[np.int64]] = []
    draws: list[npt.NDArray[np.int64]] = []
    held = 0
    for number, group in groups:
        canary = suite.canaries[number]
        index, numbers = number_draws(group, canary.digest)
        order.append(index + len(rows))
        draws.append(numbers)
        rows += [_answer(canary.id, row, facts) for row in group]
        facts.prompts += 1
        held += len(index)
        if held >= _ROWS:
            yield _table(rows, order, draws)
            rows, order, draws, held = [], [], [], 0
    if order:
        yield _table(rows, order, draws)


def number_draws(group: Sequence[tuple[Any, ...]], seed: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Which row of a group each answer comes from, and its draw, by draw: two arrays [n_answers].

    A given draw is kept, but moves up by one where draw 0, which is the greedy answer's, was given with a temperature
    above 0. Without one, the first answer at temperature 0 is draw 0 and all others take the free draws from 1 on;
    counted answers in an order shuffled by `seed`, so that the first few draws are as good a sample as any.
    """
    given = {row: values[0] for row, values in enumerate(group) if values[0] is not None}
    if any(draw == GREEDY and group[row][1] for row, draw in given.items()):
        given = {row: draw + 1 for row, draw in given.items()}
    greedy = (row for row, values in enumerate(group) if row not in given and values[1] == 0)
    if GREEDY not in given.values() and (first := next(greedy, None)) is not None:
        given[first] = GREEDY
    left = [row for row in range(len(group)) if row not in given]
    times = [group[row][4] for row in left]
    index = np.repeat(np.array(left, dtype=np.int64), times)
    if max(times, default=1) > 1:
        index = np.random.default_rng(int(seed, 16)).permutation(index)
    taken = np.fromiter(given.values(), dtype=np.int64)
    free = np.setdiff1d(np.arange(1, len(index) + len(taken) + 1), taken)[: len(index)]
    index, numbers = np.concatenate([np.fromiter(given, dtype=np.int64), index]), np.concatenate([taken, free])
    by_draw = np.argsort(numbers)
    return index[by_draw], numbers[by_draw]


def _answer(canary_id: str, row: tuple[Any, ...], facts: _Facts) -> dict[str, Any]:
    """The columns of an answer, all but the draw; and what it tells of its model."""
    _, temperature, text, topk, times = row
    status = "ok" if text.strip() else "empty"
    facts.counts[status] += times
    if temperature is not None:
        facts.temperatures.add(temperature)
    values: dict[str, Any] = dict.fromkeys(Answer.__dataclass_fields__)
    values |= {"canary_id": canary_id, "status": status, "text": text, "draw": 0}
    if topk is not None:
        pairs = json.loads(topk)
        facts.top_k = max(facts.top_k, len(pairs))
        values |= {"topk_bytes": [bytes.fromhex(token) for token, _ in pairs]}
        values |= {"topk_logprobs": [nats for _, nats in pairs]}
    return values


def _table(
    rows: list[dict[str, Any]], order: list[npt.NDArray[np.int64]], draws: list[npt.NDArray[np.int64]]
) -> pa.Table:
    """One table of `answer_schema`: rows are kept once each and repeated by index, however often they count."""
    schema = answer_schema()
    table = pa.Table.from_pylist(rows, schema=schema).take(pa.array(np.concatenate(order)))
    place = schema.get_field_index("draw")
    return table.set_column(place, schema.field(place), pa.array(np.concatenate(draws), type=pa.int32()))
