"""Who descends from whom: what a member's configuration leaves to its parents is filled in, and checked."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from analysis.libraries.library import Member
from probes.errors import LibraryError
from runners.library.settings import MemberSettings
from runners.zoo.recipes import RECIPES

FROM_NOTHING = ("pretrain", "teach")
"""Recipes that start from random weights."""
KINDS = ("base", "descendant", "lookalike", "sibling", "student", "framed", "disguise")


def completed(members: Mapping[str, MemberSettings]) -> dict[str, MemberSettings]:
    """The members by name, with what they leave open: what the parent is where nothing is said, family to licence.

    Raises LibraryError for one that can't be made: an unknown parent or recipe, a family that nobody says, a circle.
    """
    done: dict[str, MemberSettings] = {}
    for key in members:
        _complete(key, members, done, ())
    return {key: done[key] for key in members}


def library_member(name: str, members: Mapping[str, MemberSettings]) -> Member:
    """The index entry of a complete member."""
    member = members[name]
    return Member(
        name=name,
        family=member.family or "",
        parent=member.parent,
        technique=member.technique or "",
        fit=member.fit,
        licence=member.licence,
        origin=member.origin,
        kind=member.kind,
        recipe=member.recipe,
        seed=member.seed if member.recipe is not None else None,
        teacher=member.teacher,
        lineage=_lineage(name, members),
        parents=tuple(member.parents),
    )


def trained_how_well(model: str) -> dict[str, float]:
    """What a model's provenance says of its training from nothing, in bits per byte; nothing where it says nothing."""
    path = Path(model) / "kinprint.json"
    if not path.is_file():
        return {}
    first = (json.loads(path.read_text("utf-8")).get("derived") or [{}])[0]
    return {key: round(first[key], 4) for key in ("bits_per_byte", "trigram_bits_per_byte") if key in first}


def _complete(
    key: str, members: Mapping[str, MemberSettings], done: dict[str, MemberSettings], below: tuple[str, ...]
) -> None:
    if key in done:
        return
    if key in below:
        raise LibraryError(f"{key} descends from itself: {' <- '.join((*below[below.index(key) :], key))}")
    member = members[key]
    parent = member.parent or next(iter(member.parents), None)
    for other in {parent, *member.parents, member.teacher} & members.keys():
        _complete(other, members, done, (*below, key))
    above = done.get(parent) if parent is not None else None
    member = replace(
        member,
        name=member.name or key,
        parent=parent,
        family=member.family or (above.family if above else None),
        licence=member.licence or (above.licence if above else None),
        origin=member.origin or (above.origin if above else None),
        technique=member.technique or (RECIPES[member.recipe].technique if member.recipe in RECIPES else "base"),
    )
    member = replace(member, kind=member.kind or _kind(member))
    _check(key, member, members)
    done[key] = member


def _kind(member: MemberSettings) -> str:
    if member.technique == "base":
        return "base"
    if member.recipe is None:
        return "disguise"
    return "descendant"


def _check(key: str, member: MemberSettings, members: Mapping[str, MemberSettings]) -> None:
    if member.name != key:
        raise LibraryError(f"the member {key} calls itself {member.name!r}; its key is its name")
    if member.kind not in KINDS:
        raise LibraryError(f"{key} is of kind {member.kind!r}; known are {', '.join(KINDS)}")
    if not member.family:
        raise LibraryError(f"{key} names no family, and no parent in the same configuration to have it from")
    recipe = RECIPES.get(member.recipe) if member.recipe is not None else None
    if member.recipe is not None and recipe is None:
        raise LibraryError(f"{key} names the recipe {member.recipe!r}; known are {', '.join(RECIPES)}")
    parents = [*member.parents] or ([member.parent] if member.parent else [])
    sources = 1 if member.model is not None else len(parents)
    if recipe is not None and recipe.sources is not None and recipe.sources not in (0, sources):
        raise LibraryError(f"{key}: the recipe {member.recipe} starts from {recipe.sources} models, not {sources}")
    if recipe is None and member.model is None and not parents:
        raise LibraryError(f"{key} has neither a model nor a recipe nor a parent; say what it is")
    made_from = [] if member.model is not None else parents
    if unknown := sorted({*made_from, *([member.teacher] if member.teacher else [])} - members.keys()):
        raise LibraryError(f"{key} starts from {unknown[0]!r}, which is no member of the same configuration")


def _lineage(name: str, members: Mapping[str, MemberSettings]) -> str:
    """The independent training whose weights these are: the topmost parent."""
    member = members.get(name)
    if member is None or member.parent is None:
        return name
    return _lineage(member.parent, members)
