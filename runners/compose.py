"""From the command line's overrides to typed settings, through Hydra; every mistake ends as one sentence."""

import re
from collections.abc import Sequence
from typing import Any, TypeVar

from hydra import compose, initialize_config_module
from hydra.errors import HydraException
from hydra.utils import instantiate
from omegaconf import OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from probes.errors import KinprintError

ALLOWED_TARGETS = (
    "runners.backends.vllm_engine.VllmEngine",
    "runners.backends.transformers.Transformers",
    "runners.backends.openai_api.OpenaiApi",
)
"""The only things that a configuration may construct: Hydra would run any callable that it is given."""

_FREE_TEXT = re.compile(r"(^|\.)(out|work|path|model|recording|name|system_prompt|chat_template|unknown)$")
_PLAIN = re.compile(r"[\w./:@%+-]*")
Settings = TypeVar("Settings")


def settings_of(job: str, schema: type[Settings], overrides: Sequence[str]) -> Settings:
    """Compose the configuration of a job and validate it against its schema (a dataclass).

    Raises KinprintError on an unknown key or option, a value of the wrong type, or one that is missing.
    """
    try:
        with initialize_config_module("configs", version_base="1.3", job_name="kinprint"):
            composed = compose(job, [_quoted(override) for override in overrides])
        merged = OmegaConf.merge(OmegaConf.structured(schema), composed)
        settings: Settings = OmegaConf.to_object(merged)  # type: ignore[assignment]
    except MissingMandatoryValue as error:
        key = _first_line(error).rpartition(" ")[2]
        raise KinprintError(f"{job} needs a value for {key} (see 'kinprint {job} --help' for an example)") from error
    except (HydraException, OmegaConfBaseException) as error:
        raise KinprintError(f"{_first_line(error)} (see 'kinprint {job} --help')") from error
    return settings


def construct(target: dict[str, Any], **arguments: Any) -> Any:
    """Construct what a configuration names in `_target_`, if it is on the allow-list. Raises KinprintError."""
    name = target.get("_target_")
    if name not in ALLOWED_TARGETS:
        raise KinprintError(f"the configuration names _target_ {name!r}; allowed are {', '.join(ALLOWED_TARGETS)}")
    if nested := [key for key, value in target.items() if _holds_target(value)]:
        raise KinprintError(
            f"the configuration nests a _target_ in {nested[0]!r}; only the backend itself may have one"
        )
    try:
        return instantiate({**target, **arguments}, _convert_="all")
    except HydraException as error:
        raise KinprintError(f"{name} does not take this configuration: {_last_line(error)}") from error


def _holds_target(value: Any) -> bool:
    if isinstance(value, dict):
        return "_target_" in value or any(_holds_target(part) for part in value.values())
    return isinstance(value, list) and any(_holds_target(part) for part in value)


def _quoted(override: str) -> str:
    """Quote paths and texts, so that spaces, '=', commas and brackets in them mean nothing to Hydra's grammar."""
    key, equals, value = override.partition("=")
    if not equals or not _FREE_TEXT.search(key.lstrip("+~")) or _PLAIN.fullmatch(value) or value[:1] in "'\"":
        return override
    escaped = re.sub(r"(\\*)'", lambda match: match[1] * 2 + r"\'", value)
    escaped = re.sub(r"(\\+)$", lambda match: match[1] * 2, escaped)
    return f"{key}='{escaped}'"


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def _last_line(error: Exception) -> str:
    return [line.strip() for line in str(error).splitlines() if line.strip()][-1]
