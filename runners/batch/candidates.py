"""A list of candidates, as a file or a folder, in the words of the command line.

Knows the forms (CSV, JSONL, a folder of YAML) and nothing of what is done with a candidate.
"""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from probes.errors import KinprintError
from runners.batch.settings import ResourcesSettings
from runners.compose import is_free_text
from runners.settings import CandidateSettings

_SHORT = {one.name: f"candidate.{one.name}" for one in fields(CandidateSettings) if one.name != "resources"} | {
    one.name: f"candidate.resources.{one.name}" for one in fields(ResourcesSettings)
}
_KEY = re.compile(r"\+{0,2}[A-Za-z][\w/@.-]*")
_WHO = ("model", "candidate", "candidate.model")
_AS_EVER = ("custom", "_self_")


@dataclass(frozen=True)
class Row:
    """One candidate: its overrides, and where they stand, for messages."""

    overrides: tuple[str, ...]
    where: str

    @property
    def keys(self) -> set[str]:
        """What it says of itself, whatever the command line says of all."""
        return {override.partition("=")[0] for override in self.overrides}


def candidates(path: Path) -> list[Row]:
    """The candidates of a CSV file, a JSONL file or a folder of YAML files, in their order.

    Columns (or keys) are `model`, `name`, `system_prompt`, `adapter` and so on of a candidate; `gpus`, `hours` and so
    on of its resources; `endpoint`, the URL of an API that serves `model`; and any key of the command line, such as
    `tier` or `backend.engine.dtype`. An empty cell says nothing. Raises KinprintError, with the line, on anything else,
    and if there is no candidate at all.
    """
    if path.is_dir():
        found = [_row(values, str(file)) for file in sorted(path.glob("*.yaml")) for values in [_yaml(file)]]
    elif path.suffix.lower() in (".csv", ".tsv", ".jsonl"):
        found = [_row(values, where) for values, where in _lines(path)]
    else:
        raise KinprintError(f"candidates={path} is neither a folder of YAML files nor a file .csv or .jsonl")
    if not found:
        raise KinprintError(f"candidates={path} holds no candidate; it takes one a line, or one YAML file each")
    return found


def _lines(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    try:
        text = path.read_text("utf-8-sig")
        yield from _json_lines(text, path) if path.suffix.lower() == ".jsonl" else _csv_lines(text, path)
    except (UnicodeDecodeError, csv.Error) as error:
        raise KinprintError(f"{path} can't be read: {error}") from error


def _csv_lines(text: str, path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    reader = csv.DictReader(text.splitlines(), delimiter="\t" if path.suffix.lower() == ".tsv" else ",", strict=True)
    for row in reader:
        where = f"{path}, line {reader.line_num}"
        if None in row or None in row.values():
            raise KinprintError(f"{where}: it has {'more' if None in row else 'fewer'} cells than there are columns")
        yield {key.strip(): value.strip() for key, value in row.items()}, where


def _json_lines(text: str, path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            values = json.loads(line)
        except ValueError as error:
            raise KinprintError(f"{where}: it is not JSON ({error})") from error
        if not isinstance(values, dict):
            raise KinprintError(f"{where}: it is not an object such as {{'model': 'NAME'}}")
        yield values, where


def _yaml(file: Path) -> dict[str, Any]:
    import yaml
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        values = OmegaConf.to_container(OmegaConf.load(file))
    except (OmegaConfBaseException, yaml.YAMLError, UnicodeDecodeError) as error:
        raise KinprintError(f"{file} can't be read: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise KinprintError(f"{file} holds no settings of a candidate")
    others = [one for one in values.pop("defaults", []) if one not in _AS_EVER]
    if others:
        raise KinprintError(f"{file} builds on {others[0]}; say what it takes from there in the file itself")
    return {str(key): value for key, value in values.items()}


def _row(values: Mapping[str, Any], where: str) -> Row:
    said = {key: value for key, value in _flat(values) if value not in ("", None)}
    if not any(key in said for key in _WHO):
        raise KinprintError(f"{where}: it names no model")
    overrides: list[str] = []
    for key, value in said.items():
        if not _KEY.fullmatch(key) or key == "out":
            raise KinprintError(f"{where}: {key!r} is no setting of a candidate")
        if key == "endpoint":
            overrides += ["backend=openai_api", f"backend.base_url={value}"]
        else:
            name = _SHORT.get(key, key)
            overrides.append(f"{name}={_written(name, value, where)}")
    return Row(tuple(overrides), where)


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield (prefix + str(key)).removeprefix("resources."), value


def _written(key: str, value: Any, where: str) -> str:
    """A value as on the command line, where texts and paths are quoted when it composes."""
    if not isinstance(value, str):
        return json.dumps(value)
    if "${" in value and not is_free_text(key):  # it would read this machine's environment
        raise KinprintError(f"{where}: {key} holds an interpolation; write its value")
    return value
