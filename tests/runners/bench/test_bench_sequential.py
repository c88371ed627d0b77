"""`kinprint bench sequential`: a watch measured in few runs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.attribution.rules import Rules
from analysis.benchmark.compared import Compared
from analysis.benchmark.ours import CHANNELS
from analysis.benchmark.specimens import Seen, specimens_of
from analysis.libraries.library import Library
from analysis.sequential.family_figures import costs
from analysis.sequential.family_replay import FamilyReplay, How
from analysis.sequential.weights import WeightsAtLooks
from analysis.signatures.observation import Access
from probes.errors import KinprintError
from runners.bench.probing import family_rows
from runners.bench.rows_of_probes import ALPHA, named_queries
from runners.bench.sequential import measure, watch_rows
from tests.made_up_zoo import write_zoo


def test_a_watch_is_quiet_and_notices_swaps() -> None:
    rows = {row.name: row for row in watch_rows(Library.load(), runs=40)}
    alarms = {name: row for name, row in rows.items() if name.startswith("watch_false_alarms/logprobs/")}
    assert sorted(name.rpartition("/")[2] for name in alarms) == ["gemma3", "qwen2.5-coder", "smollm2"]
    assert sum(row.value or 0 for row in alarms.values()) <= 5  # 120 runs at alpha 0.01
    assert rows["watch_swap_median/logprobs"].holds
    assert (rows["watch_swap_within_15/text"].value or 0) > 0.5


def test_where_tokens_are_named_a_canary_costs_three_queries_and_the_order_is_drawn(tmp_path: Path) -> None:
    write_zoo(tmp_path, size=16)
    seen = Seen.at(Access("topk", top_k=20, named=True), specimens_of([Library.load(tmp_path)]))
    assert (named_queries(seen.access), named_queries(replace(seen.access, named=False))) == (2, 0)
    rows = {row.name: row for row in family_rows(seen, How(most=10), runs=50)}
    drawn = FamilyReplay(
        seen.candidates,
        seen.references,
        Compared.of(seen.signatures, seen.recorded, CHANNELS),
        How(order="random", most=10),
        shared=WeightsAtLooks.of_signatures(seen.signatures, seen.candidates, seen.references),
    )
    spent = costs(drawn.run(), ALPHA, Rules()).unknown.values()
    assert rows["unknown_queries_median/topk_chosen"].value == 3 * np.median(list(spent))
    assert rows["false_accusations/50/family_topk_chosen"].holds


def test_one_library_at_most() -> None:
    with pytest.raises(KinprintError, match="one library at most"):
        measure(["a", "b"])
