"""A model from its official hub repository, where a hub answers."""

import os
import threading
from pathlib import Path

from runners.zoo.models import ZooModel

PROBE_SECONDS = 3.0
FILES = ["*.json", "*.jinja", "*.safetensors", "*.txt", "*.model", "LICENSE*"]


class HubUnavailableError(Exception):
    """Why the hub didn't give the model; `fetch` decides whether packages may stand in."""


def find_revision(model: ZooModel) -> str:
    """Ask the hub for the repository's current commit, for at most `PROBE_SECONDS` in all.

    Raises HubUnavailableError when it doesn't answer, and at once where `HF_HUB_OFFLINE` forbids asking.
    """
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}:
        raise HubUnavailableError("HF_HUB_OFFLINE is set")
    answers: list[str | HubUnavailableError] = []
    # A thread, because looking up a host's name has no time-out of its own.
    probe = threading.Thread(target=lambda: answers.append(_ask(model)), daemon=True)
    probe.start()
    probe.join(PROBE_SECONDS)
    answer = answers[0] if answers else HubUnavailableError(f"no answer within {PROBE_SECONDS:.0f} s")
    if isinstance(answer, HubUnavailableError):
        raise answer
    return answer


def _ask(model: ZooModel) -> str | HubUnavailableError:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    try:
        revision = HfApi().model_info(model.repository, timeout=PROBE_SECONDS).sha
    except HfHubHTTPError as error:
        return HubUnavailableError(_first_line(error))
    except (_http_error(), OSError) as error:
        return HubUnavailableError(f"no hub answers ({_first_line(error)})")
    return revision or HubUnavailableError("the hub names no revision")


def download(model: ZooModel, revision: str, out: Path) -> None:
    """Bring one revision of the official repository into `out`; resumes what is half there.

    Raises HubUnavailableError for a gated repository and for a connection that breaks.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError

    try:
        snapshot_download(model.repository, revision=revision, local_dir=out, allow_patterns=FILES)
    except GatedRepoError as error:
        raise HubUnavailableError(f"{model.repository} is gated: accept its licence and log in") from error
    except (_http_error(), OSError) as error:
        raise HubUnavailableError(_first_line(error)) from error


def _http_error() -> type[Exception]:
    """What the HTTP library under the hub client raises; which library that is differs between versions."""
    from huggingface_hub import errors

    http_error: type[Exception] = vars(errors)["HTTPError"]
    return http_error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
