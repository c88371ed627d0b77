"""Peers beside us: the same models and queries, settings of training lineages, and differences with their intervals."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from analysis.baselines import all_baselines
from analysis.baselines.outputs import Outputs
from analysis.benchmark.measures import Measure
from analysis.benchmark.ours import Ours, measure_tier
from analysis.benchmark.peer_measures import beside, measure_peers
from analysis.benchmark.peers import PeerTest, outputs_at
from analysis.benchmark.specimens import Seen, specimens_of
from analysis.benchmark.splits import outside
from analysis.libraries.library import Library
from analysis.signatures.observation import Access
from tests.made_up_zoo import write_zoo


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return write_zoo(tmp_path_factory.mktemp("zoo"))


@pytest.fixture(scope="module")
def ours(library: Library) -> Ours:
    return measure_tier(Seen.at(Access("text", draws=8), specimens_of([library])), budgets=(8, 16), seeds=2)


def embed(models: Sequence[Outputs]) -> list[Outputs]:
    """A letter count in place of a sentence encoder."""
    return [
        replace(one, embeddings=np.array([[len(t or ""), (t or "").count("a")] for t in one.greedy], np.float32))
        for one in models
    ]


@pytest.fixture(scope="module")
def measured(ours: Ours) -> dict[str, Measure]:
    return {one.row: one for one in measure_peers(ours, embed)[0]}


def test_every_peer_of_the_tier_is_measured_at_every_budget(ours: Ours, measured: dict[str, Measure]) -> None:
    names = {name for name, one in all_baselines().items() if "text" in one.accesses}
    assert {row.split("/")[0] for row in measured} == {f"peer_{name}" for name in names}
    for name in names:
        for budget in (8, 16):
            figure = measured[f"peer_{name}/family_accuracy/text/{budget}"].figure
            assert figure is not None
            assert figure.low <= figure.value <= figure.high
            assert figure.n == 8  # three bases, four lookalikes with descendants, a student


def test_embeddings_are_of_the_canaries_asked_and_a_peer_without_them_is_left_out(ours: Ours) -> None:
    asked: list[int] = []

    def counting(models: Sequence[Outputs]) -> list[Outputs]:
        asked.append(len(models[0].digests))
        return embed(models)

    measure_peers(ours, counting)
    assert asked == [16]
    assert not any("templates" in one.row for one in measure_peers(ours)[0])


def test_a_peer_that_knows_the_families_is_found_to(measured: dict[str, Measure]) -> None:
    figure = measured["peer_phylolm/family_accuracy/text/16"].figure
    assert figure is not None
    assert figure.value > 0.9


def test_settings_see_training_lineages_only(ours: Ours, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[str]] = []

    def noted(tried: object, training: Sequence[Outputs], references: Sequence[Outputs]) -> object:
        seen.append({one.name for one in (*training, *references)})
        raise LookupError

    monkeypatch.setattr("analysis.benchmark.peers.best_of", noted)
    models = ours.seen.candidates
    test = PeerTest(all_baselines()["phylolm"], models, ours.seen.references, outputs_at(ours.seen), ours.subsets)
    for held_out in (frozenset({"sun"}), frozenset({"tide-0"})):
        with pytest.raises(LookupError):
            test._setting(held_out, 0, "family")
        assert seen[-1] == {one.name for one in models if outside(one, held_out)}
    assert "tide-student" not in seen[-1]


def test_the_difference_is_on_models_that_both_have(ours: Ours) -> None:
    models = ours.seen.candidates
    figure = beside({0: 1.0, 1: 0.0, 5: 1.0}, {0: 0.0, 1: 0.0, 9: 1.0}, models)
    assert figure is not None
    assert (figure.value, figure.n) == (0.5, 1)


def test_at_text_descent_is_not_asked(ours: Ours) -> None:
    assert not any("descen" in one.name for one in ours.measures)
