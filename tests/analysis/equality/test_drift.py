"""The watch on real models: false alarms are as rare as promised, and another model is noticed within 15 queries."""

import numpy as np
import pytest
from scipy.stats import binom

from analysis.equality.border import border_suite, sensitivity
from analysis.equality.drift import Drift
from analysis.equality.drift_simulation import Trial, false_alarms, queries_to_notice
from analysis.equality.paired_tops import tops
from analysis.libraries.library import Library
from analysis.signatures.observation import observe
from probes.errors import RecordingError
from probes.recording import Recording
from tests.recordings import suite_of


@pytest.fixture(scope="module")
def library() -> Library:
    return Library.load()


def reference(library: Library, name: str) -> Recording:
    return library.recording(next(member for member in library.members if member.name == name))


@pytest.mark.parametrize("basis", ["tops", "draws"])
def test_quiet_runs_raise_few_false_alarms(basis: str, library: Library) -> None:
    """A small form of the promise: at most 18 in 1,000 runs at alpha 0.01, which is what chance leaves of 10."""
    runs = 100
    alarms = false_alarms(reference(library, "smollm2"), library, Trial(basis, rounds=6), runs)  # type: ignore[arg-type]
    assert alarms <= binom.ppf(0.99, runs, 0.01)


@pytest.mark.parametrize("basis", ["tops", "draws"])
@pytest.mark.parametrize(("before", "after"), [("smollm2", "gemma3"), ("gemma3", "qwen2.5-coder")])
def test_another_model_is_noticed_within_15_queries(basis: str, before: str, after: str, library: Library) -> None:
    sides = reference(library, before), reference(library, after)
    found = queries_to_notice(*sides, library, Trial(basis, rounds=6), 6)  # type: ignore[arg-type]
    assert all(number is not None and 0 < number <= 15 for number in found)


def test_where_logprobs_are_seen_rounding_to_4_bits_is_noticed_too(library: Library) -> None:
    sides = reference(library, "smollm2"), reference(library, "smollm2-int4")
    assert max(number or 99 for number in queries_to_notice(*sides, library, Trial("tops", rounds=6), 2)) <= 15


def test_ranks_of_sampled_answers_are_uniform_and_a_watch_goes_on_from_its_state() -> None:
    generator = np.random.default_rng(0)
    texts = [str(number) for number in generator.integers(0, 3, size=800).tolist()]
    drift = Drift.of({"c": texts[:10]}, "draws")
    drift.begin_round()
    ranks = [drift.hear("c", text) for text in texts[10:210]]
    assert abs(np.mean(np.array(ranks) < 0.3) - 0.3) < 0.1
    again = Drift.of_state(drift.state(), {"c": texts[:10]})
    assert again.hear("c", "9") == drift.hear("c", "9") < 0.01
    assert again.value == drift.value


def test_what_was_noticed_stays_noticed(library: Library) -> None:
    known = {"c": {b"a": 0.5, b"b": 0.5}}
    drift = Drift.of(known, "tops")
    for _ in range(6):
        drift.begin_round()
        drift.hear("c", {b"z": 1.0})
    noticed = drift.noticed
    assert noticed is not None
    assert noticed <= 6
    for _ in range(50):
        drift.begin_round()
        drift.hear("c", known["c"])
    assert drift.value < 1 / drift.alpha
    assert drift.noticed == noticed


def test_border_canaries_are_the_most_sensitive_and_need_something_to_be_chosen_by(library: Library) -> None:
    own = reference(library, "smollm2")
    chosen = border_suite(own.suite, 5, False, library, own)
    seen = dict(zip(own.suite.by_id, tops(observe(own), 20), strict=True))
    values = {name: sensitivity(np.array(list(top.values()))) for name, top in seen.items() if top is not None}
    assert [canary.id for canary in chosen.canaries] == sorted(values, key=lambda name: -values[name])[:5]
    assert len(border_suite(own.suite, 5, True, library)) == 5
    with pytest.raises(RecordingError, match="nothing is known of the canaries"):
        border_suite(suite_of(20), 5, True, library)
