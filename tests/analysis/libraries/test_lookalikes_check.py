"""Lookalikes count only if they were really trained, and are more alike within their plan than across plans."""

from dataclasses import replace
from pathlib import Path

import pytest

from analysis.libraries.library import Library, Member, save_index
from analysis.libraries.lookalikes import check_lookalikes
from analysis.signatures.reduction import reduce_recording
from tests.recordings import make_up, write_recording


@pytest.fixture
def zoo(tmp_path: Path) -> Library:
    """Two plans of three seeds each: strangers whose answers are alike, as those of one recipe's are."""
    members = []
    for plan in (0, 1):
        for seed in range(3):
            made = make_up(plan, seed + 1)
            full = write_recording(tmp_path / "full" / made.name, made)
            reduce_recording(full, tmp_path / "zoo" / made.name)
            member = Member(made.name, f"plan{plan}", kind="lookalike", lineage=made.name)
            members.append(replace(member, bits_per_byte=1.9 + 0.01 * seed, trigram_bits_per_byte=2.0))
    save_index(tmp_path / "zoo", "test", members)
    return Library.load(tmp_path / "zoo")


def test_really_trained_seeds_of_one_plan_count(zoo: Library) -> None:
    checks = check_lookalikes(zoo)
    assert [(one.plan, one.seeds, one.other) for one in checks] == [("plan0", 3, "plan1"), ("plan1", 3, "plan0")]
    for one in checks:
        assert one.bits_per_byte == pytest.approx(1.92)  # the worst of the seeds
        assert one.two_seeds > one.two_seeds_least > one.other_most
        assert one.counts


def test_a_seed_that_a_trigram_model_beats_does_not_count(zoo: Library) -> None:
    [first, *rest] = zoo.members
    spoilt = replace(zoo, members=(replace(first, bits_per_byte=2.1), *rest))
    assert [one.counts for one in check_lookalikes(spoilt)] == [False, True]


def test_what_nobody_measured_does_not_count(zoo: Library) -> None:
    unknown = replace(zoo, members=tuple(replace(member, bits_per_byte=None) for member in zoo.members))
    assert not any(one.counts for one in check_lookalikes(unknown))


def test_seeds_that_are_no_closer_than_plans_do_not_count(zoo: Library) -> None:
    mixed = [replace(m, family=f"plan{number % 2}") for number, m in enumerate(zoo.members)]
    assert not any(one.counts for one in check_lookalikes(replace(zoo, members=tuple(mixed))))


def test_a_library_without_lookalikes_has_nothing_to_check(zoo: Library) -> None:
    assert check_lookalikes(replace(zoo, members=tuple(replace(m, kind="base") for m in zoo.members))) == []
