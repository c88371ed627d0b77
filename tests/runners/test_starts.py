"""Shared starts: one for all that ask the same, another where something else is needed, none after a failure."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from runners.starts import sharing_starts, taken_over
from tests.scripted_backend import Scripted, how, run, stop_at


def recorded(backend: Scripted, folder: Path, **changes: Any) -> Scripted:
    """Record as a job would; the backend that answered."""
    up = taken_over(backend)
    assert isinstance(up, Scripted)
    run(up, folder, how(**changes))
    return up


def test_alone_every_recording_starts_and_stops(tmp_path: Path) -> None:
    backend = Scripted()
    for number in range(2):
        assert recorded(backend, tmp_path / str(number)) is backend
    assert (backend.started, backend.stopped) == (2, 2)


class Same(Scripted):
    """Whose settings are those of a real backend: what it remembers is none of them."""

    def start_settings(self) -> dict[str, Any]:
        return {"model": self.model}

    def turn_to(self, other: Scripted) -> None:
        self.system_prompt = other.system_prompt


def test_the_same_is_started_once_and_turned_to_what_each_asks(tmp_path: Path) -> None:
    with sharing_starts():
        first = recorded(Same(system_prompt="one"), tmp_path / "one")
        second = recorded(Same(system_prompt="two"), tmp_path / "two", tier="text")
        assert second is first
        assert first.system_prompt == "two"
        assert (first.started, first.stopped) == (1, 0)
        other = recorded(Same(model="org/other"), tmp_path / "three")
        assert other is not first
        assert (first.stopped, other.started, other.stopped) == (1, 1, 0)
    assert other.stopped == 1


def test_what_failed_is_not_taken_over(tmp_path: Path) -> None:
    with sharing_starts():
        broken = Same(hook=stop_at("c-002", RuntimeError("gone")))
        with pytest.raises(RuntimeError, match="gone"):
            recorded(broken, tmp_path / "one")
        assert broken.stopped == 1
        assert recorded(Same(), tmp_path / "two") is not broken


@dataclass
class Plain(Scripted):
    """Without a word on its start: all of its settings count."""


def test_by_default_all_settings_count(tmp_path: Path) -> None:
    with sharing_starts():
        first = recorded(Plain(), tmp_path / "one")
        first.started, first.asked = 0, []
        assert recorded(Plain(system_prompt="x"), tmp_path / "two") is not first
