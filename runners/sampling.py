"""How a suite is asked, and every query that comes of it."""

from dataclasses import dataclass
from typing import get_args

from probes.answer import GREEDY
from probes.canary import Canary
from probes.errors import KinprintError
from probes.manifest import TIERS, Tier
from probes.suite import Suite
from runners.backends.interface import Positions, Request, seed_of


@dataclass(frozen=True)
class Sampling:
    """How to ask. `top_k` is how many logprobs (tier topk); temperature and top-p hold for sampled answers only.

    `positions` is what is kept beside the tier's own: nothing (`last`), the logits of chosen tokens after the whole
    prompt (`chosen`), the logprob of each prompt token (`surprisal`), or (`every`) those and the chosen tokens' logits
    after each prompt token. The chosen tokens are `chosen_tokens`, by id; where none is named, the first
    `position_tokens` of `probes.chosen_tokens`. Where their logits take queries of their own, as through an API, they
    are asked after `position_prompts` of the prompts only. `draws`: whether there are sampled answers; None: at tier
    text alone. With them, a recording of a tier above can be read at every tier; without, one of text is a fifth of the
    queries. Without `greedy`, tier text has its sampled answers alone.
    """

    tier: Tier
    top_k: int
    temperature: float
    top_p: float
    seed: int
    logits_dtype: str = "float16"
    positions: Positions = "last"
    position_tokens: int = 2048
    position_prompts: int = 4
    chosen_tokens: tuple[int, ...] = ()
    draws: bool | None = None
    greedy: bool = True

    @property
    def chooses(self) -> bool:
        """Whether the logits of chosen tokens are kept."""
        return self.positions in ("chosen", "every")

    @property
    def samples(self) -> bool:
        """Whether there are sampled answers beside the greedy ones."""
        return self.tier == "text" if self.draws is None else self.draws

    @property
    def named(self) -> bool:
        """Whether the likeliest tokens are shown, and chosen ones beside them."""
        return self.tier == "topk" and self.chooses

    def __post_init__(self) -> None:
        if self.tier not in TIERS:
            raise KinprintError(f"there is no tier {self.tier!r}; known are {', '.join(TIERS)}")
        if self.logits_dtype not in ("float16", "float32"):
            raise KinprintError(f"tier.logits_dtype must be float16 or float32; it is {self.logits_dtype!r}")
        if self.top_k < 1 or not self.temperature > 0 or not 0 < self.top_p <= 1:
            raise KinprintError("tier.top_k must be at least 1, tier.temperature above 0, tier.top_p in (0, 1]")
        if self.positions not in get_args(Positions):
            raise KinprintError(
                f"tier.positions must be one of {', '.join(get_args(Positions))}; it is {self.positions!r}"
            )
        if self.positions != "last" and self.tier == "text":
            raise KinprintError(f"tier.positions={self.positions} needs tier logits or topk; text shows no logprobs")
        if min(self.position_tokens, self.position_prompts) < 1 or any(token < 0 for token in self.chosen_tokens):
            raise KinprintError(
                "tier.position_tokens and position_prompts must be at least 1, and tier.chosen_tokens ids of tokens"
            )


def plan(suite: Suite, sampling: Sampling, candidate: str, draws: bool = True) -> list[Request]:
    """Every query of a run, in order: the greedy answers, then the sampled ones, where the tier has them.

    Without `draws` there are none: the endpoint can't sample. Where they are all that is asked, they are asked anyway.
    """

    chosen = _prompts_of_chosen_tokens(suite, sampling.position_prompts) if sampling.positions == "chosen" else ()

    def request(canary: Canary, draw: int) -> Request:
        seed = seed_of(sampling.seed, candidate, canary, draw)
        return Request(canary, draw, sampling.temperature, sampling.top_p, seed, draw == GREEDY and canary.id in chosen)

    greedy = (
        [request(canary, GREEDY) for canary in suite.canaries] if sampling.greedy or sampling.tier != "text" else []
    )
    if (not draws and greedy) or not sampling.samples:
        return greedy
    return greedy + [request(canary, draw + 1) for canary in suite.canaries for draw in range(canary.draws)]


def _prompts_of_chosen_tokens(suite: Suite, count: int) -> set[str]:
    """Ids of canaries spread over the suite: of plain texts, if it has any."""
    able = [canary.id for canary in suite.canaries if canary.text is not None] or [c.id for c in suite.canaries]
    return {able[place * len(able) // count] for place in range(count)}
