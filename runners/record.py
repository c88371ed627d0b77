"""Asking a model a suite and keeping what it says: Suite x Backend -> Recording."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from typing import Any

from probes.answer import Answer, counts_by_status
from probes.errors import CandidateError
from probes.journal import Journal, delete_journal
from probes.manifest import Manifest
from probes.recording import LOGITS, Recording, save_recording
from probes.spelling import join_bytes
from probes.suite import Suite
from runners import kept_positions
from runners.backends.interface import Backend, Description, RemoteBackend, Request, Terms, utc_now
from runners.budget import Budget
from runners.images import say_of_images, takes_images
from runners.progress import counting, say
from runners.remote import finish, run_of, spent_beside
from runners.run_header import finished_recording, header_of
from runners.sampling import Sampling, plan
from runners.starts import started
from runners.stepping import Steps, access_at, ask_in_steps

Content = tuple[Manifest, Suite, list[Answer], dict[str, dict[str, Any]]]
"""Of a recording: as `probes.recording.save_recording` takes it."""

__all__ = ["Sampling", "command_line", "plan", "record"]


def record(
    backend: Backend,
    suite: Suite,
    sampling: Sampling,
    folder: Path,
    candidate: str,
    made_by: dict[str, str],
    model: str | None = None,
    budget: Budget | None = None,
    agreed: Terms | None = None,
    steps: Steps | None = None,
) -> Recording:
    """Ask a backend a suite and write the recording to `folder`, resuming what an earlier run left there.

    `model` is what the manifest says was served, if that is to be something else than what the backend was given;
    `agreed` are terms that an earlier recording agreed with the same endpoint (`runners.remote.terms_agreed`). With
    `steps`, these choose what of the suite is asked, and the recording holds nothing else. The tier is the one asked
    for, or a lower one if the backend finds that it can't be had; `budget` holds for backends that ask somebody else's
    endpoint. A finished recording of the same run is returned as it is, without starting the model. Raises
    RecordingError if the folder holds something else, CandidateError if the model can't be served or gives no usable
    answer at all.
    """
    header = header_of(backend, suite, sampling, candidate, model)
    if (done := finished_recording(folder, header)) is not None:
        say(f"{folder} already holds this recording; delete it to ask again")
        return done
    budget = budget or Budget()
    asked = (sampling.tier, sampling.top_k, sampling.temperature)
    say(f"starting {backend.name} for {candidate}")
    with started(backend):
        description = backend.describe()
        vocab_size = len(description.token_bytes) if sampling.tier == "logits" else 0
        chosen = kept_positions.agree(backend, sampling, description)
        with (
            Journal(folder, header, vocab_size, sampling.logits_dtype, len(chosen)) as journal,
            run_of(backend, folder, budget, journal, asked, agreed) as terms,
        ):
            agreed, started_at = _agreed(sampling, terms), utc_now()
            whole, seconds = suite, journal.seconds

            def ask(requests: Sequence[Request]) -> list[Answer]:
                nonlocal seconds
                seconds = _ask(backend, requests, agreed, journal, budget, chosen, seconds, steps is None)
                return [journal.answers[request.canary.id, request.draw] for request in requests]

            def content(part: Suite) -> Content:
                answers = [answer for answer in journal.answers.values() if answer.canary_id in part.by_id]
                arrays, access = _kept(journal, part, description, agreed, chosen, spent_beside(backend))
                said = replace(terms, access=terms.access | access)
                manifest = _manifest(header, description, part, agreed, said, answers, seconds, started_at, made_by)
                return manifest, part, answers, arrays

            if steps is None:
                requests = plan(suite, agreed, candidate, terms.draws)
                ask(requests)
            else:
                steps.begin(access_at(agreed, terms))
                suite, requests = ask_in_steps(
                    steps, suite, agreed, candidate, ask, lambda part, where: save_recording(where, *content(part))
                )
            _check_answers(journal, candidate)
            say_of_images(suite, journal.answers.values(), candidate)
            manifest, suite, answers, arrays = content(suite)
            kept = finish(backend, [(request.canary.id, request.draw) for request in requests])
    if steps is not None:
        manifest = replace(
            manifest, suite={**manifest.suite, "chosen_from": whole.sha256, "stopped_because": str(steps.stopped)}
        )
    recording = save_recording(folder, manifest, suite, answers, arrays, kept)
    if any(answer.unasked for answer in answers):  # what was asked is kept at hand, for a run with a larger budget
        return recording
    if isinstance(backend, RemoteBackend):
        backend.end(discard=True)
    delete_journal(folder)
    return recording


def _agreed(sampling: Sampling, terms: Terms) -> Sampling:
    """How to ask, as far as the access allows it: text shows no positions."""
    positions = sampling.positions if terms.tier != "text" else "last"
    return replace(sampling, tier=terms.tier, top_k=terms.top_k, positions=positions)


def _ask(
    backend: Backend,
    requests: Sequence[Request],
    sampling: Sampling,
    journal: Journal,
    budget: Budget,
    chosen: kept_positions.TokenIds,
    before: float,
    shown: bool,
) -> float:
    """Ask what the journal does not hold yet; returns the seconds spent asking, those `before` included."""
    stored = {key for key, answer in journal.answers.items() if answer.status != "error"}  # failures are asked again
    left = [r for r in requests if (r.canary.id, r.draw) not in stored]
    start = perf_counter()
    with counting(f"asking ({sampling.tier})", len(requests), len(requests) - len(left), shown) as progress:
        for answer, logits in backend.ask(left, sampling.tier, sampling.top_k):
            positions = kept_positions.of_last_answer(backend, chosen)
            if answer.status != "ok":
                logits = positions = None
            journal.add(answer, logits, before + perf_counter() - start, positions)
            tokens = (answer.prompt_tokens or 0) + (answer.completion_tokens or 0)
            progress.step(failed=answer.status != "ok", tokens=tokens, usd=budget.usd if budget.limits.priced else None)
    return before + perf_counter() - start


def _check_answers(journal: Journal, candidate: str) -> None:
    answers = list(journal.answers.values())
    if answers and all(answer.status == "error" for answer in answers):
        reason = answers[0].error
        journal.answers.clear()
        raise CandidateError(f"{candidate} gave no usable answer to {len(answers)} queries: {reason}")
    if unasked := [answer for answer in answers if answer.unasked]:
        say(
            f"{len(unasked)} of {len(answers)} answers are missing: {unasked[0].error}; "
            "the same command with a larger budget asks the rest"
        )


def _kept(
    journal: Journal,
    suite: Suite,
    description: Description,
    sampling: Sampling,
    chosen: kept_positions.TokenIds,
    beside: dict[str, int],
) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """The arrays that a recording holds, and what its manifest says of them."""
    arrays = _arrays(journal, suite, description) if sampling.tier == "logits" else {}
    arrays |= kept_positions.arrays(journal, suite, description, chosen)
    return arrays, kept_positions.declared(sampling, arrays, description, beside)


def _arrays(journal: Journal, suite: Suite, description: Description) -> dict[str, dict[str, Any]]:
    content, offsets = join_bytes(description.token_bytes)
    logits = journal.logits(canary.id for canary in suite.canaries if canary.id in journal.rows)
    return {LOGITS: {"logits": logits, "token_bytes": content, "token_offsets": offsets}}


def _manifest(
    header: dict[str, Any],
    description: Description,
    suite: Suite,
    sampling: Sampling,
    terms: Terms,
    answers: Sequence[Answer],
    seconds: float,
    started_at: str,
    made_by: dict[str, str],
) -> Manifest:
    counts = Counter(answer.status for answer in answers)
    access = description.access | terms.access | takes_images(suite, answers)
    others = access.get("negotiation", {}), access.get("positions", {}).get("asked", {})  # queries too
    unasked = sum(answer.unasked for answer in answers)
    return Manifest(
        candidate=header["candidate"],
        backend=header["backend"],
        model=header["model"],
        tier=sampling.tier,
        suite={"name": suite.name, "sha256": suite.sha256, **suite.drawn},
        sampling=header["sampling"],
        engine=description.engine,
        tokenizer=description.tokenizer,
        access=access | ({"logprobs": sampling.top_k} if sampling.tier == "topk" else {}),
        counts=counts_by_status(counts),
        queries=len(answers) - unasked + sum(other.get("queries", 0) for other in others),
        prompt_tokens=sum(one.get("prompt_tokens", 0) for one in others) + sum(a.prompt_tokens or 0 for a in answers),
        completion_tokens=sum(one.get("completion_tokens", 0) for one in others)
        + sum(a.completion_tokens or 0 for a in answers),
        seconds=round(seconds, 3),
        started_at=started_at,
        ended_at=utc_now(),
        made_by={**made_by, "kinprint": _version("kinprint")},
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def command_line(verb: str, overrides: Sequence[str]) -> dict[str, str]:
    """How a recording was asked for, for its manifest: the verb and its overrides, and the Python that ran."""
    return {"command": " ".join(["kinprint", verb, *overrides]), "python": sys.version.split()[0]}
