"""Asking a model a suite and keeping what it says: Suite x Backend -> Recording."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from typing import Any

from probes.answer import GREEDY, STATUSES, Answer
from probes.canary import Canary
from probes.errors import CandidateError, KinprintError, RecordingError
from probes.journal import LINES, ROWS, Journal
from probes.manifest import TIERS, Manifest, Tier
from probes.recording import LOGITS, Recording, load_recording, save_recording
from probes.spelling import join_bytes
from probes.suite import Suite
from runners.api import custody
from runners.backends.interface import Backend, Description, RemoteBackend, Request, Terms, seed_of, utc_now
from runners.budget import Budget
from runners.progress import counting, say
from runners.remote import finish, run_of

UNFINISHED = (LINES, ROWS, custody.LINES)
"""Files that only an unfinished recording has."""


@dataclass(frozen=True)
class Sampling:
    """How to ask. `top_k` is how many logprobs (tier topk); temperature and top-p hold for sampled answers only."""

    tier: Tier
    top_k: int
    temperature: float
    top_p: float
    seed: int
    logits_dtype: str = "float16"

    def __post_init__(self) -> None:
        if self.tier not in TIERS:
            raise KinprintError(f"there is no tier {self.tier!r}; known are {', '.join(TIERS)}")
        if self.logits_dtype not in ("float16", "float32"):
            raise KinprintError(f"tier.logits_dtype must be float16 or float32; it is {self.logits_dtype!r}")
        if self.top_k < 1 or not self.temperature > 0 or not 0 < self.top_p <= 1:
            raise KinprintError("tier.top_k must be at least 1, tier.temperature above 0, tier.top_p in (0, 1]")


def plan(suite: Suite, sampling: Sampling, draws: bool = True) -> list[Request]:
    """Every query of a run, in order: the greedy answers, then (tier text, if `draws`) the sampled ones."""

    def request(canary: Canary, draw: int) -> Request:
        return Request(canary, draw, sampling.temperature, sampling.top_p, seed_of(sampling.seed, canary, draw))

    greedy = [request(canary, GREEDY) for canary in suite.canaries]
    if sampling.tier != "text" or not draws:
        return greedy
    return greedy + [request(canary, draw + 1) for canary in suite.canaries for draw in range(canary.draws)]


def record(
    backend: Backend,
    suite: Suite,
    sampling: Sampling,
    folder: Path,
    candidate: str,
    made_by: dict[str, str],
    model: str | None = None,
    budget: Budget | None = None,
) -> Recording:
    """Ask a backend a suite and write the recording to `folder`, resuming what an earlier run left there.

    `model` is what the manifest says was served, if that is to be something else than what the backend was given.
    The tier is the one asked for, or a lower one if the backend finds that it can't be had; `budget` holds for backends
    that ask somebody else's endpoint. A finished recording of the same run is returned as it is, without starting the
    model. Raises RecordingError if the folder holds something else, CandidateError if the model can't be served or
    gives no usable answer at all.
    """
    header = _header(backend, suite, sampling, candidate, model)
    if (done := _finished(folder, header)) is not None:
        say(f"{folder} already holds this recording; delete it to ask again")
        return done
    budget = budget or Budget()
    asked = (sampling.tier, sampling.top_k, sampling.temperature)
    say(f"starting {backend.name} for {candidate}")
    with backend:
        description = backend.describe()
        vocab_size = len(description.token_bytes) if sampling.tier == "logits" else 0
        with (
            Journal(folder, header, vocab_size, sampling.logits_dtype) as journal,
            run_of(backend, folder, budget, journal, asked) as terms,
        ):
            agreed = replace(sampling, tier=terms.tier, top_k=terms.top_k)
            started_at = utc_now()
            requests = plan(suite, agreed, terms.draws)
            seconds = _ask(backend, requests, agreed, journal, budget)
            _check_answers(journal, candidate)
            _tell_unasked(journal)
            arrays = _arrays(journal, suite, description) if vocab_size else {}
            kept = finish(backend, [(request.canary.id, request.draw) for request in requests])
    answers = list(journal.answers.values())
    manifest = _manifest(header, description, suite, agreed, terms, answers, seconds, started_at, made_by)
    recording = save_recording(folder, manifest, suite, answers, arrays, kept)
    if isinstance(backend, RemoteBackend):
        backend.end(discard=True)
    journal.delete()
    return recording


def _header(backend: Backend, suite: Suite, sampling: Sampling, candidate: str, model: str | None) -> dict[str, Any]:
    served = str(getattr(backend, "model", "")) if model is None else model
    return {
        "candidate": candidate,
        "backend": backend.name,
        "model": str(Path(served).resolve()) if Path(served).exists() else served,
        "suite_sha256": suite.sha256,
        "tier": sampling.tier,
        "sampling": {
            "seed": sampling.seed,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": sampling.top_k if sampling.tier == "topk" else None,
            "logits_dtype": sampling.logits_dtype if sampling.tier == "logits" else None,
            "system_prompt": getattr(backend, "system_prompt", None),
            "chat_template": getattr(backend, "chat_template", None),
            **({"endpoint": identity} if (identity := getattr(backend, "identity", None)) else {}),
        },
    }


def _finished(folder: Path, header: dict[str, Any]) -> Recording | None:
    if (folder / "manifest.json").is_file():
        recording = load_recording(folder)
        manifest = recording.manifest
        same = {
            "candidate": manifest.candidate,
            "backend": manifest.backend,
            "model": manifest.model,
            "suite_sha256": manifest.suite["sha256"],
            "tier": manifest.access.get("asked_tier", manifest.tier),
            "sampling": manifest.sampling,
        }
        if same != header:
            changed = ", ".join(key for key, value in header.items() if same[key] != value)
            raise RecordingError(f"{folder} holds another recording ({changed} differ); choose another 'out'")
        for name in UNFINISHED:  # of a run that was killed at its very end
            (folder / name).unlink(missing_ok=True)
        return recording
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / LINES).is_file())):
        raise RecordingError(f"{folder} holds something that is not a recording; choose another 'out'")
    return None


def _ask(backend: Backend, requests: Sequence[Request], sampling: Sampling, journal: Journal, budget: Budget) -> float:
    """Ask what the journal does not hold yet; returns the seconds spent asking, earlier runs' included."""
    left = [r for r in requests if (r.canary.id, r.draw) not in journal.answers]
    before, start = journal.seconds, perf_counter()
    with counting(f"asking ({sampling.tier})", len(requests), len(requests) - len(left)) as progress:
        for answer, logits in backend.ask(left, sampling.tier, sampling.top_k):
            kept = logits if answer.status == "ok" else None
            journal.add(answer, kept, before + perf_counter() - start)
            tokens = (answer.prompt_tokens or 0) + (answer.completion_tokens or 0)
            progress.step(failed=answer.status != "ok", tokens=tokens, usd=budget.usd if budget.limits.priced else None)
    return before + perf_counter() - start


def _check_answers(journal: Journal, candidate: str) -> None:
    answers = list(journal.answers.values())
    if answers and all(answer.status == "error" for answer in answers):
        reason = answers[0].error
        journal.answers.clear()
        raise CandidateError(f"{candidate} gave no usable answer to {len(answers)} queries: {reason}")


def _tell_unasked(journal: Journal) -> None:
    unasked = [answer for answer in journal.answers.values() if is_unasked(answer)]
    if unasked:
        say(f"{len(unasked)} of {len(journal.answers)} answers are missing: {unasked[0].error}")


def is_unasked(answer: Answer) -> bool:
    """Whether a row stands for a query that was never sent, because a budget forbade it."""
    return answer.status == "error" and answer.asked_at is None


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
    access = description.access | terms.access
    before = access.get("negotiation", {})  # its queries are queries too
    unasked = sum(is_unasked(answer) for answer in answers)
    return Manifest(
        candidate=header["candidate"],
        backend=header["backend"],
        model=header["model"],
        tier=sampling.tier,
        suite={"name": suite.name, "sha256": suite.sha256},
        sampling=header["sampling"],
        engine=description.engine,
        tokenizer=description.tokenizer,
        access=access | ({"logprobs": sampling.top_k} if sampling.tier == "topk" else {}),
        counts={status: counts[status] for status in STATUSES},
        queries=len(answers) - unasked + before.get("queries", 0),
        prompt_tokens=sum(answer.prompt_tokens or 0 for answer in answers) + before.get("prompt_tokens", 0),
        completion_tokens=sum(answer.completion_tokens or 0 for answer in answers) + before.get("completion_tokens", 0),
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
