"""`kinprint bench sequential`: a watch measured in few runs."""

import pytest

from analysis.libraries.library import Library
from probes.errors import KinprintError
from runners.bench.sequential import measure, watch_rows


def test_a_watch_is_quiet_and_notices_swaps() -> None:
    rows = {row.name: row for row in watch_rows(Library.load(), runs=40)}
    alarms = {name: row for name, row in rows.items() if name.startswith("watch_false_alarms/logprobs/")}
    assert sorted(name.rpartition("/")[2] for name in alarms) == ["gemma3", "qwen2.5-coder", "smollm2"]
    assert sum(row.value or 0 for row in alarms.values()) <= 5  # 120 runs at alpha 0.01
    assert rows["watch_swap_median/logprobs"].holds
    assert (rows["watch_swap_within_15/text"].value or 0) > 0.5


def test_one_library_at_most() -> None:
    with pytest.raises(KinprintError, match="one library at most"):
        measure(["a", "b"])
