"""Which measured rates a report tells beside a family, and of what their budget is."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from analysis.kinship.partial_coefficients import NAME as PARTIAL_COEFFICIENT
from analysis.kinship.shared_weights import NAME as SHARED_WEIGHTS
from analysis.report.language.catalogue import Language
from analysis.report.material import Material
from analysis.report.measured_rates import MeasuredRates
from analysis.report.sections.rates import family_rates


def told(language: str, **verdict: Any) -> list[str]:
    """Of a verdict on 48 canaries that took 121 queries."""
    calibration = SimpleNamespace(reliability={}, lineages=67)
    said = SimpleNamespace(canaries=48, queries=121, calibration=calibration, **verdict)
    nothing = cast(Any, None)
    return [
        str(one)
        for one in family_rates(
            Material(cast(Any, said), nothing, nothing, Language.load(language), MeasuredRates.load())
        )
    ]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_where_tokens_were_named_the_budget_is_of_queries(language: str) -> None:
    named = told(language, tier="topk", channels=("next_token", SHARED_WEIGHTS))
    alone = told(language, tier="topk", channels=("next_token", PARTIAL_COEFFICIENT))
    assert len(named) == len(alone) == 2
    assert not set(named) & set(alone)
    assert all("topk_chosen" not in one for one in named)
    assert all("64" in one for one in named)
    assert all("32" in one and "topk" in one for one in alone)


def test_in_words() -> None:
    [right, _] = told("en", tier="topk", channels=(SHARED_WEIGHTS,))
    assert right.startswith(
        "With <bdi>64</bdi> queries, half of which name tokens, the likeliest explanation was the true one for "
    )
    [right, _] = told("en", tier="topk", channels=(PARTIAL_COEFFICIENT,))
    assert right.startswith(
        "With <bdi>32</bdi> canaries at tier <bdi>topk</bdi>, the likeliest explanation was the true one for "
    )


def test_a_verdict_that_leaves_out_what_the_benchmark_counted_says_so() -> None:
    said = [told("en", tier="topk", channels=channels) for channels in ((), (PARTIAL_COEFFICIENT,))]
    assert [len(one) for one in said] == [3, 2]
    assert "which this verdict leaves out" in said[0][-1]
