"""Whether a run kept to what was committed to beforehand, or in which points it departed."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.x509 import Certificate

from analysis.bundle.basis import Basis
from analysis.bundle.commitment import PLAN, TIMESTAMP, Commitment, bundle_subjects, moment, open_plan
from analysis.bundle.envelope import Statement
from analysis.bundle.timestamp import read_timestamp
from analysis.report.hostile import NAME_LIMIT, visible
from probes.errors import BundleError
from probes.recording import Recording

_RAW, _HEAD = "raw.jsonl.zst", 1 << 24
"""The file of raw responses, and how many bytes of its text are looked at."""


@dataclass(frozen=True)
class Departure:
    """A point in which the run was otherwise than planned, both sides in words."""

    point: str
    planned: str
    found: str

    def in_words(self) -> str:
        return f"{self.point} (planned {self.planned}, found {self.found})"


def departures(plan: Statement, recording: Recording, basis: Basis, bundle: Path) -> list[Departure]:
    """Every point in which a bundle departs from a plan, none if it kept to it. Raises BundleError on no plan."""
    committed = Commitment.of(plan)
    points = [
        *_asked(committed, recording),
        *_points("rule ", committed.judged.get("rules", {}), json.loads(json.dumps(basis.entry()["rules"]))),
        *_judged(committed, basis),
    ]
    found = [Departure(point, _shown(planned), _shown(there)) for point, planned, there in points if planned != there]
    return [*found, *_files(plan, basis, bundle)]


def sentences(
    bundle: Path, recording: Recording, basis: Basis, keyid: str, roots: Sequence[Certificate] = ()
) -> tuple[str, ...]:
    """What the plan in the folder of a bundle, signed with the key `keyid`, amounts to; nothing where there is none.

    Raises BundleError if there is something else in its place, EvidenceError if signature or timestamp don't fit it.
    """
    if not (bundle / PLAN).is_file():
        if (bundle / TIMESTAMP).is_file():
            raise BundleError("the bundle has a timestamp, and no plan that it would be of")
        return ()
    text = (bundle / PLAN).read_bytes()
    plan = open_plan(text)
    stamped = None
    if (bundle / TIMESTAMP).is_file():
        stamped = read_timestamp((bundle / TIMESTAMP).read_bytes(), text, roots)
    signed_at = Commitment.of(plan).signed_at
    dated = f"self-dated {visible(signed_at, 40)}, by its signer alone" if stamped is None else stamped.in_words()
    first, time = first_request(recording), moment(signed_at) if stamped is None else stamped.time
    order = "before" if time < first else "NOT before"
    another = "" if plan.keyid == keyid else f", with another key than the bundle ({plan.keyid})"
    found = departures(plan, recording, basis, bundle)
    kept = "the run kept to it in every point" if not found else f"the run departed from it in {len(found)} points"
    said = f"plan: signed{another}, {dated}; that is {order} the first request ({first.isoformat()}); {kept}"
    return (said, *(f"departure: {one.in_words()}" for one in found))


def first_request(recording: Recording) -> datetime:
    """When the first request was sent, by the recording's own clock."""
    answered = [answer.asked_at for answer in recording.answers if answer.asked_at]
    return min(moment(time) for time in (recording.manifest.started_at, *answered, *_sent_first(recording)))


def _sent_first(recording: Recording) -> Iterator[str]:
    """When the requests were sent whose raw responses are kept first: those that found out what an endpoint allows."""
    if _RAW not in recording.manifest.files:
        return
    from pyarrow import input_stream

    with input_stream(str(recording.folder / _RAW), compression="zstd") as file:
        lines = file.read(_HEAD).split(b"\n")[:-1]
    for line in lines:
        yield from (attempt["asked_at"] for attempt in json.loads(line)["attempts"])


_Point = tuple[str, Any, Any]


def _asked(committed: Commitment, recording: Recording) -> Iterator[_Point]:
    manifest, sampling = recording.manifest, recording.manifest.sampling
    endpoint = sampling.get("endpoint")
    there = {
        "candidate": manifest.candidate,
        "model": manifest.model,
        "endpoint": endpoint.get("base_url") if isinstance(endpoint, dict) else None,
        "tier": manifest.tier,
        "top_k": sampling.get("top_k"),
        **{name: sampling.get(name) for name in ("temperature", "top_p", "seed")},
    }
    yield from _points("", committed.asked, there)
    chosen_from = manifest.suite.get("chosen_from")
    suite = {**manifest.suite, "sha256": chosen_from or manifest.suite["sha256"]}
    named_by_hash = {name: value for name, value in committed.suite.items() if name != "name"}
    yield from _points("suite's ", named_by_hash, suite)
    rule, most = committed.choice.get("rule"), committed.choice.get("canaries")
    yield "rule of choice", rule, _rule(recording)
    if isinstance(most, int) and len(recording.suite) > most:
        yield "number of canaries", most, len(recording.suite)
    if unasked := [answer for answer in recording.answers if answer.unasked]:
        yield "number of queries left out", 0, len(unasked)


def _rule(recording: Recording) -> str:
    """`whole`, or the order that `kinprint probe` was given."""
    if "chosen_from" not in recording.manifest.suite:
        return "whole"
    words = recording.manifest.made_by.get("command", "").split()
    return next((word.removeprefix("order=") for word in reversed(words) if word.startswith("order=")), "informative")


def _judged(committed: Commitment, basis: Basis) -> Iterator[_Point]:
    judged = committed.judged
    yield "left out of the library", judged.get("left_out"), json.loads(json.dumps(basis.left_out))
    if judged.get("parents") or basis.parents:
        yield "parents", judged.get("parents"), list(basis.parents)
        yield "alpha", judged.get("alpha"), basis.alpha


def _points(prefix: str, planned: Any, there: dict[str, Any]) -> Iterator[_Point]:
    """Each planned value beside the one found; what the plan does not speak of is no departure."""
    for name, value in planned.items() if isinstance(planned, dict) else ():
        if value is not None:
            yield prefix + name, value, there.get(name)


def _files(plan: Statement, basis: Basis, bundle: Path) -> Iterator[Departure]:
    """References and coefficients, of the kinds that the plan names."""
    planned = {one.name: one.sha256 for one in plan.subjects}
    roles = {name.split("/")[0] for name in planned}
    found = {one.name: one.sha256 for one in bundle_subjects(basis, bundle) if one.name.split("/")[0] in roles}
    for name in sorted(planned.keys() | found.keys()):
        if planned.get(name) != found.get(name):
            yield Departure(name, planned.get(name, "none")[:12], found.get(name, "none")[:12])


def _shown(value: Any) -> str:
    return visible(value if isinstance(value, str) else json.dumps(value), NAME_LIMIT)
