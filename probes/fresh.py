"""Fresh suites: canaries drawn from a grammar by a secret seed, for candidates that may know the shipped ones.

The grammar (`suites/fresh/`) is public and was written for kinprint; what nobody can know before the seed is revealed
is which of its prompts are asked. The seed is committed to first: its commitment is published before anything is
asked, so that afterwards everybody can check that the suite was not picked to suit the answers.

Every choice comes from HMAC-SHA256 keyed with the seed, so a seed draws the same suite on every machine.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from probes.canary import Canary, Message
from probes.errors import SuiteError
from probes.grammar import Choose, Grammar
from probes.suite import SHIPPED, Suite, load_suite, shipped_suites

GENERATOR = 1
"""Counts up whenever the same seed would draw another suite; the commitment names it."""
SIZE = 256
LEAST_BYTES = 16
"""Of a seed: fewer could be guessed from the commitment."""
NAME = "fresh-"
"""How the names of fresh suites begin."""
_SOURCE = "drawn from kinprint's grammar"


def commitment(seed: bytes, size: int = SIZE) -> str:
    """What can be published before asking, 64 hex digits: it binds generator, seed and size, and hides the seed.

    Anybody can work it out from the revealed seed:
    `printf 'kinprint fresh suite 1\\n%s\\n%s' SIZE SEED_IN_HEX | sha256sum`.
    Raises SuiteError if the seed is too short to be secret, or the size less than one canary a kind.
    """
    if len(seed) < LEAST_BYTES:
        raise SuiteError(f"a secret seed needs at least {LEAST_BYTES} bytes ({2 * LEAST_BYTES} hex digits)")
    if size < len(kinds()):
        raise SuiteError(f"a fresh suite needs at least {len(kinds())} canaries, one a kind; suite.size is {size}")
    return hashlib.sha256(f"kinprint fresh suite {GENERATOR}\n{size}\n{seed.hex()}".encode()).hexdigest()


def fresh_suite(seed: bytes, size: int = SIZE, reveal: bool = False) -> Suite:
    """The suite that a seed draws: `size` canaries of the kinds of suite core, in its proportions.

    No prompt of a shipped suite is among them. `drawn`, which recordings keep in their manifest, holds the commitment,
    and the seed itself only with `reveal`. Raises SuiteError as `commitment` does.
    """
    committed = commitment(seed, size)
    taken, canaries = set(_shipped_digests()), []
    for kind, count in _shares(size).items():
        for number in range(1, count + 1):
            canary = next(one for one in _draws(seed, kind, number) if one.digest not in taken)
            taken.add(canary.digest)
            canaries.append(canary)
    drawn = {"commitment": committed, "size": str(size)} | ({"seed": seed.hex()} if reveal else {})
    return Suite(f"{NAME}{committed[:12]}", tuple(canaries), drawn)


def is_fresh(name: str) -> bool:
    """Whether a suite of that name was drawn afresh."""
    return name.startswith(NAME)


@cache
def kinds() -> dict[str, Any]:
    """What there is of each kind: `share` among the others, `max_tokens`, `draws`, `why`, `prompts` and `symbols`."""
    found: dict[str, Any] = json.loads((SHIPPED / "fresh" / "kinds.json").read_text("utf-8"))
    return found


@cache
def grammar(kind: str) -> Grammar:
    """The grammar of one kind: the words that all share, and its own."""
    words = json.loads((SHIPPED / "fresh" / "words.json").read_text("utf-8"))
    return Grammar(words | kinds()[kind].get("symbols", {}))


def _draws(seed: bytes, kind: str, number: int) -> Iterator[Canary]:
    """A canary, and others for the case that its prompt is taken."""
    entry = kinds()[kind]
    attempt = 0
    while True:
        choose = _chooser(seed, f"{kind}/{number}/{attempt}")
        prompt = grammar(kind).prompt(entry["prompts"][choose(len(entry["prompts"]))], choose)
        text = prompt if isinstance(prompt, str) else None
        yield Canary(
            id=f"fresh-{kind.replace('_', '-')}-{number:03}",
            kind=kind,
            text=text,
            messages=None if isinstance(prompt, str) else tuple(Message(role, content) for role, content in prompt),
            max_tokens=entry["max_tokens"],
            draws=entry["draws"],
            why=entry["why"],
            source=_SOURCE,
        )
        attempt += 1


def _chooser(seed: bytes, label: str) -> Choose:
    """Even choices, each from 64 bits of HMAC-SHA256 in counter mode; the uneven rest of their range is drawn again."""
    counter = 0

    def choose(options: int) -> int:
        nonlocal counter
        while True:
            digest = hmac.digest(seed, f"kinprint fresh {GENERATOR}/{label}/{counter}".encode(), "sha256")
            counter, value = counter + 1, int.from_bytes(digest[:8], "big")
            if value < 2**64 - 2**64 % options:
                return value % options

    return choose


def _shares(size: int) -> dict[str, int]:
    """How many canaries of each kind, by largest remainders, at least one of each."""
    weights = {kind: entry["share"] for kind, entry in kinds().items()}
    exact = {kind: weight * (size - len(weights)) / sum(weights.values()) for kind, weight in weights.items()}
    counts = {kind: 1 + int(part) for kind, part in exact.items()}
    for kind in sorted(exact, key=lambda kind: int(exact[kind]) - exact[kind])[: size - sum(counts.values())]:
        counts[kind] += 1
    return counts


@cache
def _shipped_digests() -> frozenset[str]:
    return frozenset(canary.digest for name in shipped_suites() for canary in load_suite(name).canaries)
