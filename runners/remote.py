"""A run against somebody else's endpoint: what is agreed with it is agreed once, and what it sends is kept."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from probes.errors import KinprintError
from probes.journal import Journal
from probes.manifest import Manifest, Tier
from runners.backends.interface import Backend, RemoteBackend, Terms
from runners.budget import Budget
from runners.progress import say


@contextmanager
def run_of(
    backend: Backend,
    folder: Path,
    budget: Budget,
    journal: Journal,
    asked: tuple[Tier, int, float],
    agreed: Terms | None = None,
) -> Iterator[Terms]:
    """Begin (or go on with) a run and yield its terms; `asked` is tier, top_k and temperature.

    A local backend gives what is asked for. With a remote one, the terms of the first run hold for all that resume it,
    and those that an earlier recording `agreed` for this one too.
    """
    tier, top_k, temperature = asked
    if not isinstance(backend, RemoteBackend):
        if budget.limits.limited:
            raise KinprintError(f"a budget is for models behind an API; backend {backend.name} sends nothing anywhere")
        yield Terms(tier, top_k)
        return
    backend.begin(folder, budget)
    try:
        budget.start(journal.seconds)
        known = agreed if journal.terms is None else _terms(journal.terms)
        terms = backend.negotiate(tier, top_k, temperature, known)
        if journal.terms is None:
            journal.agree(asdict(terms))
        for note in terms.notes:
            say(note)
        yield terms
    finally:
        backend.end(discard=not journal.answers)


def spent_beside(backend: Backend) -> dict[str, int]:
    """What was asked beside the negotiation and the answers; {} for nothing."""
    spent = backend.spent_beside() if isinstance(backend, RemoteBackend) else {}
    return spent if spent.get("queries") else {}


def finish(backend: Backend, order: Sequence[tuple[str, int]]) -> list[str]:
    """The files of raw responses that belong to the recording."""
    return backend.finish(order) if isinstance(backend, RemoteBackend) else []


def terms_agreed(manifest: Manifest) -> Terms:
    """The terms that a recording was made on, for another one on the same; what finding them out took stays with it."""
    access = {**manifest.access, "negotiation": {}}
    draws = access.get("sampling_varies") is not False
    return Terms(manifest.tier, access.get("logprobs") or 1, draws, access)


def _terms(stored: dict[str, object]) -> Terms:
    return Terms(**{**stored, "notes": tuple(stored["notes"])})  # type: ignore[arg-type]
