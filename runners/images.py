"""Images on their way to a model: as chats take them, and what came of them."""

from base64 import b64decode
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from probes.answer import TAKES_NO_IMAGES, Answer
from probes.canary import Canary
from probes.suite import Suite
from runners.backends.interface import Request
from runners.progress import say

_DATA_URI = "data:image/png;base64,"
_ENOUGH = 3
"""Images refused, and none taken, after which no more are sent."""


@dataclass
class ImagesTaken:
    """What an endpoint was seen to do with images, so that one that takes none is not sent them all.

    `chat`: whether it answers chats, the only place for them.
    """

    chat: bool
    refused: list[str] = field(default_factory=list)
    taken: bool = False

    def why_not(self) -> str:
        """Why no image needs to be sent; empty if it does."""
        if not self.chat:
            return "the endpoint answers no chat, and images are sent in one"
        return self.refused[0] if len(self.refused) >= _ENOUGH and not self.taken else ""

    def learn(self, request: Request, answer: Answer) -> None:
        """Take in what came of a request."""
        if request.canary.image is not None and answer.status == TAKES_NO_IMAGES:
            self.refused.append(answer.error or "")
        elif request.canary.image is not None and answer.status != "error":
            self.taken = True


def chat_turns(turns: list[dict[str, str]], canary: Canary) -> list[dict[str, Any]]:
    """Turns of a chat as OpenAI and vLLM take them; the canary's image, if any, before the words of the last."""
    if canary.image is None:
        return list(turns)
    *before, last = turns
    image = {"type": "image_url", "image_url": {"url": canary.image.data_uri}}
    return [*before, {**last, "content": [image, {"type": "text", "text": last["content"]}]}]


def by_reference(request: Mapping[str, Any]) -> dict[str, Any]:
    """A request as it is kept: every image by its hash, for the suite that was asked holds the bytes."""
    turns = request.get("messages")
    if not isinstance(turns, list):
        return dict(request)
    return {**request, "messages": [_turn_by_reference(turn) for turn in turns]}


def takes_images(suite: Suite, answers: Iterable[Answer]) -> dict[str, bool]:
    """What a manifest says, under `access`, of a model that was shown images.

    False if it takes none; nothing if none was shown, or every try failed, from which nothing can be told.
    """
    found = {one.status for one in _shown(suite, answers)} - {"error"}
    return {"takes_images": found != {TAKES_NO_IMAGES}} if found else {}


def say_of_images(suite: Suite, answers: Collection[Answer], candidate: str) -> None:
    """Tell the user where images were not taken, in one line."""
    shown = list(_shown(suite, answers))
    if refused := [one for one in shown if one.status == TAKES_NO_IMAGES]:
        which = "no images" if len(refused) == len(shown) else f"{len(shown) - len(refused)} of {len(shown)} images"
        say(f"{candidate} takes {which}: {refused[0].error}")


def _shown(suite: Suite, answers: Iterable[Answer]) -> Iterable[Answer]:
    return (one for one in answers if (there := suite.by_id.get(one.canary_id)) is not None and there.image is not None)


def _turn_by_reference(turn: Mapping[str, Any]) -> dict[str, Any]:
    content = turn["content"]
    return {**turn, "content": [_part_by_reference(one) for one in content]} if isinstance(content, list) else {**turn}


def _part_by_reference(part: Mapping[str, Any]) -> dict[str, Any]:
    url = part["image_url"]["url"] if part["type"] == "image_url" else ""
    if not url.startswith(_DATA_URI):
        return dict(part)
    png = b64decode(url.removeprefix(_DATA_URI))
    return {**part, "image_url": {"url": f"sha256:{sha256(png).hexdigest()}"}}
