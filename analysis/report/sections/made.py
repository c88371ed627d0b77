"""How the verdict was made: all that it takes to ask the same again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from analysis.report.markup import name, text
from analysis.report.material import Material, Section

Fact = tuple[Markup, Markup]


@dataclass(frozen=True)
class Made(Section):
    """Facts under headings."""

    groups: list[tuple[Markup, list[Fact]]]


def section(material: Material) -> Made:
    """Always there."""
    say = material.say
    groups = {
        "candidate": _candidate(material),
        "asked": _asked(material),
        "took": _took(material),
        "compared": _compared(material),
        "custody": _custody(material),
    }
    return Made(say("made.title"), say("made.lede"), [(say(f"made.{key}"), facts) for key, facts in groups.items()])


def _candidate(material: Material) -> list[Fact]:
    manifest = material.recording.manifest
    facts = [_fact(material, key, getattr(manifest, field)) for key, field in _NAMED]
    return facts + _spread(material, "engine", manifest.engine) + _spread(material, "tokenizer", manifest.tokenizer)


_NAMED = (("name", "candidate"), ("model", "model"), ("backend", "backend"))


def _asked(material: Material) -> list[Fact]:
    manifest, say = material.recording.manifest, material.say
    suite = say("fact.suite_size", name=name(manifest.suite.get("name", "")), n=len(material.recording.suite))
    return [
        _fact(material, "tier", manifest.tier),
        *_spread(material, "access", manifest.access),
        _fact(material, "suite", suite),
        _fact(material, "sampling", _inline(manifest.sampling)),
    ]


def _took(material: Material) -> list[Fact]:
    manifest, say = material.recording.manifest, material.say
    statuses = say.joined(
        say("language.colon", label=say.term("status", status), value=n) for status, n in manifest.counts.items()
    )
    return [
        _fact(material, "queries", manifest.queries),
        _fact(material, "prompt_tokens", manifest.prompt_tokens),
        _fact(material, "answer_tokens", manifest.completion_tokens),
        _fact(material, "seconds", say("fact.seconds_value", seconds=say.duration(manifest.seconds))),
        _fact(material, "started", manifest.started_at),
        _fact(material, "ended", manifest.ended_at),
        _fact(material, "statuses", statuses),
    ]


def _compared(material: Material) -> list[Fact]:
    verdict, library, say = material.verdict, material.library, material.say
    techniques = say.names(sorted({member.technique for member in library.members}))
    channels = say.names(verdict.channels) if verdict.channels else say("number.none")
    return [
        _fact(material, "library", verdict.library),
        _fact(material, "families", say.names(library.families)),
        _fact(material, "references", say("fact.references_value", n=len(library.members), techniques=techniques)),
        _fact(material, "canaries", verdict.canaries),
        _fact(material, "channels", channels),
        _fact(material, "calibration", say.original(verdict.calibration.basis)),
        _fact(material, "lineages", verdict.calibration.lineages),
    ]


def _custody(material: Material) -> list[Fact]:
    kinprint = _fact(material, "kinprint", material.verdict.version)
    return [kinprint, *_spread(material, "made_by", material.recording.manifest.made_by)]


def _fact(material: Material, key: str, value: Any) -> Fact:
    shown = value if isinstance(value, Markup) else text(_plain(value))
    return material.say(f"fact.{key}"), shown


def _spread(material: Material, key: str, values: Mapping[str, Any]) -> list[Fact]:
    """One fact a key of somebody's mapping."""
    return [(material.say(f"fact.{key}", key=name(part)), text(_plain(value))) for part, value in values.items()]


def _inline(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {_plain(value)}" for key, value in values.items())


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return "–" if value is None else json.dumps(value, ensure_ascii=False, default=str)
