"""From the command line's overrides to typed settings, through Hydra; every mistake ends as one sentence."""

import re
from collections.abc import Collection, Sequence
from dataclasses import fields
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeVar, get_origin

from hydra import compose, initialize_config_module
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from probes.errors import KinprintError

_BACKEND = re.compile(r"runners\.backends\.(\w+)\.(\w+)")
_FREE_TEXT = re.compile(
    r"(^|\.)(out|work|path|source|recordings|lineage|model|recording|against|a|b|name|system_prompt|chat_template|unknown"
    r"|like|tree|pairs|key|plan|timestamp|bundle|adapter|candidates|batch)$|^suite\.seed$"
)
Settings = TypeVar("Settings")


def settings_of(job: str, schema: type[Settings], overrides: Sequence[str]) -> Settings:
    """Compose the configuration of a job and validate it against its schema (a dataclass).

    Raises KinprintError on an unknown key or option, a value of the wrong type, or one that is missing.
    """
    try:
        with initialize_config_module("configs", version_base="1.3", job_name="kinprint"):
            lists = {one.name for one in fields(schema) if get_origin(one.type) is list}  # type: ignore[arg-type]
            composed = compose(job, [_quoted(override, lists) for override in overrides])
        merged = OmegaConf.merge(OmegaConf.structured(schema), composed)
        settings: Settings = OmegaConf.to_object(merged)  # type: ignore[assignment]
    except MissingMandatoryValue as error:
        key = getattr(error, "full_key", None) or _first_line(error).rpartition(" ")[2]
        raise KinprintError(f"{job} needs a value for {key} (see 'kinprint {job} --help' for an example)") from error
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        where = f" at {key}" if (key := getattr(error, "full_key", None)) else ""
        if not isinstance(error, HydraException | OmegaConfBaseException):  # Hydra's own checks, which name no key
            where = f", in {' '.join(overrides)}"
        raise KinprintError(f"{_first_line(error)}{where} (see 'kinprint {job} --help')") from error
    return settings


def is_free_text(key: str) -> bool:
    """Whether a key takes a path or a text, in which nothing means anything to Hydra."""
    return _FREE_TEXT.search(key.lstrip("+~")) is not None


def construct(target: dict[str, Any], **arguments: Any) -> Any:
    """Construct the backend that a configuration names in `_target_`. Raises KinprintError on anything else.

    Hydra would run any callable that it is given; here only the classes of `runners/backends` may be named.
    """
    settings = {**target, **arguments}
    name = settings.pop("_target_", None)
    if nested := [key for key, value in settings.items() if _holds_target(value)]:
        raise KinprintError(
            f"the configuration nests a _target_ in {nested[0]!r}; only the backend itself may have one"
        )
    backend = _backend_class(str(name))
    try:
        return backend(**settings)
    except TypeError as error:
        raise KinprintError(f"{name} does not take this configuration: {error}") from error


def _backend_class(name: str) -> type[Any]:
    """The class, if it is a backend defined in one of the modules of `runners/backends`."""
    match = _BACKEND.fullmatch(name)
    if match is not None and find_spec(f"runners.backends.{match[1]}") is not None:
        module = import_module(f"runners.backends.{match[1]}")
        found = getattr(module, match[2], None)
        if (
            isinstance(found, type)
            and found.__module__ == module.__name__
            and hasattr(found, "ask")
            and not getattr(found, "_is_protocol", False)
        ):
            return found
    raise KinprintError(f"the configuration names _target_ {name!r}; allowed are the backends of runners.backends")


def _holds_target(value: Any) -> bool:
    if isinstance(value, dict):
        return "_target_" in value or any(_holds_target(part) for part in value.values())
    return isinstance(value, list) and any(_holds_target(part) for part in value)


def _quoted(override: str, lists: Collection[str]) -> str:
    """Quote paths and texts, so that nothing in them means anything to Hydra's grammar or to interpolation.

    One of `lists` takes several between brackets; there, one with a comma in it needs quotes of the user's own.
    """
    key, equals, value = override.partition("=")
    if equals and key in lists and is_free_text(key):
        between = value[1:-1] if value.startswith("[") and value.endswith("]") else None
        if between is not None and ("'" in between or '"' in between):
            return override
        several = [value] if between is None else [one.strip() for one in between.split(",") if one.strip()]
        return f"{key}=[{','.join(_quoted(f'out={one}', ()).removeprefix('out=') for one in several)}]"
    quoted_already = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    if not equals or not is_free_text(key) or value in ("null", "???") or quoted_already:
        return override
    escaped = re.sub(r"(\\*)\$\{", lambda match: match[1] * 2 + r"\${", value)  # for OmegaConf
    escaped = re.sub(r"(\\*)'", lambda match: match[1] * 2 + r"\'", escaped)  # for Hydra
    escaped = re.sub(r"(\\+)$", lambda match: match[1] * 2, escaped)
    return f"{key}='{escaped}'"


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
