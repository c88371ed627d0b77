"""A list of public models, one JSON object a line, with what is claimed of each and where each claim stands.

What is not known is null, and what is claimed has a source: a paper, or a file of the model's own repository. No run
has seen a model that is not `verified`.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, Self, get_args

from probes.errors import LibraryError
from runners.library.settings import MemberSettings

SHIPPED = ("open_weights",)
_HUB = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_BYTES = {"bfloat16": 2, "float16": 2, "float32": 4}
_CLAIMS = (
    *("family", "parent", "same_weights_as", "licence", "parameters", "active_parameters", "dtype", "chat_template"),
    *("tokenizer", "data"),
)
"""What needs a source where it is not null."""


@dataclass(frozen=True)
class OpenModel:
    """One public model. `parent` and `same_weights_as` are hub ids, perhaps of models that are not on the list.

    `kind`: base or descendant. `parameters` in all, and of a mixture of experts those `active` for a token.
    `chat_template`: whether its tokenizer has one. `tokenizer`, `data`: the name of what it is known to share with
    others. `sources`: where each claim stands, by its name.
    """

    hub: str
    family: str
    parent: str | None
    same_weights_as: str | None
    kind: str
    licence: str | None
    parameters: int | None
    active_parameters: int | None
    dtype: str | None
    chat_template: bool | None
    tokenizer: str | None
    data: str | None
    sources: Mapping[str, str]
    verified: bool

    @classmethod
    def of_entry(cls, entry: Any, where: str) -> Self:
        """One line of a list. Raises LibraryError if it is none, or claims what it has no source for."""
        if not isinstance(entry, dict) or set(entry) != {one.name for one in fields(cls)}:
            raise LibraryError(f"{where} needs exactly the fields {', '.join(one.name for one in fields(cls))}")
        for one in fields(cls):
            allowed = (dict,) if one.name == "sources" else get_args(one.type) or (one.type,)
            if type(entry[one.name]) not in allowed:
                raise LibraryError(f"{where}: {one.name} is {entry[one.name]!r}, which is none of {allowed}")
        found = cls(**entry)
        names = [found.hub, found.parent, found.same_weights_as]
        if wrong := [name for name in names if name is not None and not _HUB.fullmatch(name)]:
            raise LibraryError(f"{where}: {wrong[0]!r} is no hub id")
        if found.kind not in ("base", "descendant") or (found.dtype is not None and found.dtype not in _BYTES):
            raise LibraryError(f"{where}: the kind is base or descendant, and the dtype one of {', '.join(_BYTES)}")
        claimed = {name for name in _CLAIMS if entry[name] is not None}
        if claimed != set(found.sources) or not all(isinstance(one, str) and one for one in found.sources.values()):
            unfounded = sorted(claimed.symmetric_difference(found.sources))
            raise LibraryError(f"{where}: a claim and its source go together; see {', '.join(unfounded) or 'sources'}")
        return found

    @property
    def gigabytes(self) -> float | None:
        """Of its weights, as they are published."""
        return None if self.parameters is None or self.dtype is None else self.parameters * _BYTES[self.dtype] / 1e9

    def member(self) -> MemberSettings:
        """The member of a library that is made of it."""
        return MemberSettings(
            name=self.hub,
            family=self.family,
            model=self.hub,
            parent=self.parent,
            kind=self.kind,
            technique="base" if self.kind == "base" else "published",
            licence=self.licence,
            origin=self.hub,
        )


def load_table(name: str) -> list[OpenModel]:
    """A list by its name, if it ships with the package, or by its path. Raises LibraryError naming the line."""
    path = files("configs").joinpath(f"{name}.jsonl") if name in SHIPPED else Path(name)
    try:
        lines = path.read_text("utf-8").splitlines()
        entries = [json.loads(line) for line in lines]
    except (OSError, ValueError) as error:
        raise LibraryError(f"the list of models {name} can't be read: {error}") from error
    models = [OpenModel.of_entry(entry, f"{name}, line {number}") for number, entry in enumerate(entries, start=1)]
    hubs = [one.hub for one in models]
    if twice := sorted({hub for hub in hubs if hubs.count(hub) > 1}):
        raise LibraryError(f"{name} lists {twice[0]} twice")
    return models
