"""Making the models of a zoo's members, each from its sources, which are made first where they have to be."""

import inspect
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from probes.errors import LibraryError
from probes.recording import folder_name
from runners.library.settings import MemberSettings
from runners.progress import say
from runners.zoo.fetch import fetch
from runners.zoo.lookalikes.plans import pretraining_plan
from runners.zoo.models import FROM_ZOO
from runners.zoo.recipes import RECIPES, Recipe

_MADE_AS = "made_as.json"
_CHARACTERS = 600_000  # of the text that a recipe reads


@dataclass(frozen=True)
class Workshop:
    """Makes the models of `members` (complete: see `runners.zoo.parentage`) under `folder`, and keeps them there."""

    members: Mapping[str, MemberSettings]
    folder: Path

    def model(self, name: str) -> str:
        """The folder of a member's model, made now if it isn't there; what no recipe makes is fetched, or a hub id."""
        member = self.members[name]
        if member.recipe is None:
            return self._found(member)
        out, made_as = self._made(name), self._made(name).with_name(_MADE_AS)
        how = json.dumps(self._how(name), sort_keys=True)
        if not made_as.is_file() or made_as.read_text("utf-8") != how:
            shutil.rmtree(out.parent, ignore_errors=True)  # made otherwise than it is to be now, and recorded so
        elif out.exists():
            return str(out)  # whole, since recipes write to one side and rename
        self.check(name)
        recipe = RECIPES[member.recipe]
        sources, arguments = [Path(one) for one in self._sources(member)], self._arguments(member, recipe)
        out.parent.mkdir(parents=True, exist_ok=True)
        say(f"making {name} ({member.recipe})")
        made_as.write_text(how, "utf-8")
        recipe.function(*sources, out=out, **arguments)
        return str(out)

    def tidy(self, wanted: set[str]) -> None:
        """Delete every model that none of the `wanted` members (those still to be recorded) is, or starts from."""
        needed = {source for name in wanted for source in self._ancestry(name)}
        for name in self.members.keys() - needed:
            shutil.rmtree(self._made(name), ignore_errors=True)
            folder = self._made(name).parent
            if folder.is_dir() and {path.name for path in folder.iterdir()} <= {_MADE_AS}:
                shutil.rmtree(folder)  # else it holds a recording, which stands for a model made this way

    def _how(self, name: str) -> dict[str, Any]:
        """All that decides what a member's model becomes, its ancestry included."""
        member = self.members[name]
        sources = [self._how(other) for other in _parents(member) if other in self.members]
        teacher = self._how(member.teacher) if member.teacher in self.members else member.teacher
        how = {"model": member.model, "recipe": member.recipe, "seed": member.seed, "settings": member.settings}
        if "plan" in member.settings:  # what the plan says now: it may change, and its name stay
            how["plan"] = repr(pretraining_plan(str(member.settings["plan"])))
        return {**how, "sources": sources, "teacher": teacher}

    def _made(self, name: str) -> Path:
        return self.folder / folder_name(name) / "model"

    def _found(self, member: MemberSettings) -> str:
        if member.model is None:
            return self.model(str(member.parent))
        of_zoo = member.model.startswith(FROM_ZOO)
        return str(fetch(member.model.removeprefix(FROM_ZOO), say=say)) if of_zoo else member.model

    def _sources(self, member: MemberSettings) -> list[str]:
        if RECIPES[str(member.recipe)].sources == 0:
            return []
        return [self._found(member)] if member.model is not None else [self.model(name) for name in _parents(member)]

    def check(self, name: str) -> None:
        """Raise LibraryError if the settings of a member are not those of its recipe."""
        member = self.members[name]
        if member.recipe is None:
            return
        takes = inspect.signature(RECIPES[member.recipe].function).parameters
        open_ended = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in takes.values())
        allowed = {*takes, *({"characters"} if "text" in takes else ())}
        if not open_ended and (unknown := sorted(member.settings.keys() - allowed)):
            raise LibraryError(f"{name}: the recipe {member.recipe} does not take the setting {unknown[0]!r}")

    def _arguments(self, member: MemberSettings, recipe: Recipe) -> dict[str, Any]:
        """What a recipe's function is given besides its sources and `out`."""
        takes, settings = inspect.signature(recipe.function).parameters, dict(member.settings)
        if "text" in takes:
            names, characters = settings.get("text", ["python"]), settings.pop("characters", _CHARACTERS)
            settings["text"] = training_text(tuple(names), int(characters))
        if "seed" in takes:
            settings["seed"] = member.seed
        if member.teacher is not None:
            settings["teacher"] = Path(self.model(member.teacher))
        return settings

    def _ancestry(self, name: str) -> set[str]:
        member = self.members[name]
        others = [*_parents(member), member.teacher]
        return {name}.union(*(self._ancestry(other) for other in others if other in self.members))


def _parents(member: MemberSettings) -> list[str]:
    return list(member.parents) or ([member.parent] if member.parent is not None else [])


def training_text(names: tuple[str, ...], characters: int) -> str:
    """What the recipes read: `characters` of the named corpora, in equal shares."""
    from runners.zoo.lookalikes.corpora import corpus

    return corpus(names, characters).training
