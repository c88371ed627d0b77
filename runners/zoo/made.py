"""Models of the zoo by name, made by their recipe when they are first asked for and kept in the cache.

A model whose recipe, plan or ancestry has changed since is made anew (`runners.zoo.making`).
"""

from functools import cache
from importlib.resources import files
from pathlib import Path

from probes.errors import KinprintError
from runners.library.settings import MemberSettings
from runners.zoo.cache import cache_directory
from runners.zoo.fetch import alone
from runners.zoo.making import Workshop
from runners.zoo.models import CATALOGUE
from runners.zoo.parentage import completed


@cache
def zoo_members() -> dict[str, MemberSettings]:
    """The members of every part of the zoo, complete, by name."""
    from omegaconf import OmegaConf

    found: dict[str, MemberSettings] = {}
    for part in sorted(files("configs").joinpath("zoo").iterdir(), key=lambda part: part.name):
        if part.name.endswith(".yaml"):
            members = OmegaConf.create(part.read_text("utf-8")).get("members") or {}
            for name, entry in members.items():
                merged = OmegaConf.merge(OmegaConf.structured(MemberSettings), entry)
                found[str(name)] = OmegaConf.to_object(merged)  # type: ignore[assignment]
    return completed(found)


def made_model(name: str) -> Path:
    """The folder of a member's model. Raises KinprintError if the zoo has no such member, or only a disguise."""
    members = zoo_members()
    if name not in members:
        raise KinprintError(
            f"the zoo has no model {name!r}; it fetches {', '.join(CATALOGUE)}, and makes the members that "
            "'kinprint zoo derive --help' leads to"
        )
    if members[name].kind == "disguise":
        raise KinprintError(f"{name} is no model of its own, but {members[name].parent} served in another way")
    folder = cache_directory() / "zoo"
    with alone(folder / name):
        return Path(Workshop(members, folder).model(name))
