"""What is about to be asked: at which access, on which canaries, how many of them, and what that costs.

Chances are those of the library's own models, read as that access would have seen them. A budget is a number of
canaries; what it costs follows from the way they are asked.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Self

import numpy as np

from analysis.benchmark.family import Subset
from analysis.benchmark.ours import BUDGETS, SEEDS, Step
from analysis.benchmark.specimens import Seen, Specimen, specimens_of
from analysis.benchmark.splits import canary_subsets
from analysis.descent.aligned import NAMED, NAMED_A_QUERY
from analysis.descent.rivals import Places
from analysis.kinship.shared_weights import rows_behind
from analysis.libraries.library import REFERENCES, Library
from analysis.signatures.chosen_logits import last_logits
from analysis.signatures.observation import Access
from analysis.signatures.unfed import Unfed
from probes.errors import KinprintError, LibraryError
from probes.suite import Suite

Goal = Literal["family", "descent"]
Way = Literal["logits", "chosen", "topk", "text"]
"""The access; `chosen` is topk with the logprobs of named tokens."""
USUAL = 64


@dataclass(frozen=True)
class Cost:
    """Of one budget: queries, tokens of prompts as the references counted them, and tokens answered at most."""

    queries: int
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True)
class Asked:
    """`places` are those of the suite's canaries among the prompts that `seen` holds."""

    goal: Goal
    way: Way
    suite: Suite
    seen: Seen
    places: Places
    budgets: tuple[int, ...]
    budget: int

    @classmethod
    def of(
        cls,
        library: Library,
        suite: Suite,
        goal: Goal,
        access: Access,
        budget: int | None = None,
        step: Step = lambda: None,
    ) -> Self:
        """Read a library's models at an access, on the suite's canaries. `budget` None: 64, or as many as there are.

        Raises LibraryError if no reference was asked the suite with that access, KinprintError on a budget that is none
        or more than the library was asked.
        """
        seen = Seen.at(access, _who_were_asked(library, suite, access), step)
        prompts = {canary.digest for canary in suite.canaries}
        places = np.flatnonzero([digest in prompts for digest in seen.signatures[0].digests])
        if not len(places):
            raise LibraryError(f"the references of {library.folder} were asked no canary of {suite.name!r} in common")
        if budget is not None and not 1 <= budget <= len(places):
            raise KinprintError(
                f"budget is a number of canaries from 1 to {len(places)}, as many of the suite {suite.name!r} as the "
                f"library was asked; it is {budget}"
            )
        here = budget or min(USUAL, len(places))
        budgets = sorted({here, *(size for size in BUDGETS if size <= len(places))})
        return cls(goal, "chosen" if access.named else access.tier, suite, seen, places, tuple(budgets), here)

    @property
    def subsets(self) -> dict[Subset, Places]:
        """Canaries drawn for each (budget, seed), as places among the prompts seen."""
        drawn = canary_subsets(len(self.places), self.budgets, SEEDS)
        return {subset: self.places[chosen] for subset, chosen in drawn.items()}

    def cost(self, budget: int) -> Cost:
        """What so many canaries cost, by the suite's mean."""
        prompt, n = self._prompt_tokens, len(self.suite.canaries)
        longest = sum(one.max_tokens for one in self.suite.canaries) / n
        if self.way == "chosen" and self.goal == "descent":
            queries = budget * self.queries_a_prompt
            return Cost(queries, round(queries * prompt), queries)
        each = 1 + (sum(one.draws for one in self.suite.canaries) / n if self.seen.access.draws else 0)
        beside = rows_behind(budget, self.seen.access) * self.queries_a_prompt if self.way == "chosen" else 0
        queries = round(budget * each) + beside
        return Cost(queries, round(queries * prompt), round(budget * each * longest) + beside)

    @cached_property
    def queries_a_prompt(self) -> int:
        """That name the tokens which the references' recordings hold, 1 where they hold none."""
        known = [last_logits(self.seen.candidates[place].recording) for place in self.seen.references]
        counts = [len(one.ids) for one in known if not isinstance(one, Unfed)]
        return -(-min(max(counts, default=1), NAMED) // NAMED_A_QUERY)

    @cached_property
    def _prompt_tokens(self) -> float:
        """Of a prompt, on average over references and canaries; a token for every four bytes where nobody counted."""
        counted = [
            arrays["prompt_tokens"][self.places]
            for place in self.seen.references
            if (arrays := self.seen.signatures[place].channels.get("tokenizer")) is not None
        ]
        if counted and np.isfinite(counted).any():
            return float(np.nanmean(counted))
        texts = (one.text or "".join(m.content for m in one.messages or ()) for one in self.suite.canaries)
        return float(np.mean([len(text.encode()) / 4 for text in texts]))


def _who_were_asked(library: Library, suite: Suite, access: Access) -> list[Specimen]:
    """Models that were asked at least half of a suite, and of which recordings show that access."""
    prompts = {canary.digest for canary in suite.canaries}
    everybody = specimens_of([library])
    asked = [one for one in everybody if 2 * len(prompts & library.prompts(one.member)) >= len(prompts)]
    if not any(one.kind in REFERENCES for one in asked):
        known = sorted({one.recording.manifest.suite["name"] for one in everybody if one.kind in REFERENCES})
        raise LibraryError(
            f"the library at {library.folder} has no base, lookalike or sibling that was asked the suite "
            f"{suite.name!r}; they were asked {', '.join(map(repr, known)) or 'nothing'}"
        )
    if not any(one.kind in REFERENCES and one.readable_at(access) for one in asked):
        raise LibraryError(f"no reference of {library.folder} was recorded with access as high as tier {access.tier}")
    return asked
