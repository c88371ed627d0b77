"""Starting a model once for several recordings: while starts are shared, what is up serves the next that asks the same.

At most one model is up. Knows nothing of what is asked, and nothing of batches.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import fields, is_dataclass
from typing import Any, Protocol, runtime_checkable

from runners.backends.interface import Backend


@runtime_checkable
class Turnable(Protocol):
    """A backend that can serve something else of the same base without starting anew."""

    def start_settings(self) -> dict[str, Any]:
        """What its start depends on: two with the same can serve each other's requests, once turned."""
        ...

    def turn_to(self, other: Any) -> None:
        """From now on serve, once started, as `other` of the same class would. Raises CandidateError if it can't."""
        ...


class _Shared:
    """The backend that is up, if any."""

    def __init__(self) -> None:
        self.up: Backend | None = None

    def stop(self) -> None:
        up, self.up = self.up, None
        if up is not None:
            up.__exit__(None, None, None)


_SHARED: ContextVar[_Shared | None] = ContextVar("shared", default=None)


@contextmanager
def sharing_starts() -> Iterator[None]:
    """Within the block, backends stay up until one with another start is needed, or something goes wrong."""
    shared = _Shared()
    token = _SHARED.set(shared)
    try:
        yield
    finally:
        _SHARED.reset(token)
        shared.stop()


def taken_over(backend: Backend) -> Backend:
    """The backend that is up, turned to serve what `backend` is to; `backend` itself where none can take it over."""
    shared = _SHARED.get()
    if shared is None or shared.up is None or start_of(shared.up) != start_of(backend):
        return backend
    if isinstance(shared.up, Turnable):
        shared.up.turn_to(backend)
    return shared.up


@contextmanager
def started(backend: Backend) -> Iterator[None]:
    """The backend is up within the block, and stays up after it while starts are shared."""
    shared = _SHARED.get()
    if shared is None:
        with backend:
            yield
        return
    if shared.up is not backend:
        shared.stop()
        backend.__enter__()
        shared.up = backend
    try:
        yield
    except BaseException:
        shared.stop()  # whatever state it is in now, nobody else is to meet it
        raise


def start_of(backend: Backend) -> str:
    """What the start of a backend depends on, as text: by default all of its settings."""
    if isinstance(backend, Turnable):
        settings = backend.start_settings()
    else:
        assert is_dataclass(backend)
        settings = {one.name: getattr(backend, one.name) for one in fields(backend) if one.init}
    return json.dumps([type(backend).__qualname__, settings], sort_keys=True, default=str)
