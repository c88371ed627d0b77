"""How a suite is asked, and every query that comes of it."""

from dataclasses import dataclass

from probes.answer import GREEDY
from probes.canary import Canary
from probes.errors import KinprintError
from probes.manifest import TIERS, Tier
from probes.suite import Suite
from runners.backends.interface import Request, seed_of


@dataclass(frozen=True)
class Sampling:
    """How to ask. `top_k` is how many logprobs (tier topk); temperature and top-p hold for sampled answers only."""

    tier: Tier
    top_k: int
    temperature: float
    top_p: float
    seed: int
    logits_dtype: str = "float16"

    def __post_init__(self) -> None:
        if self.tier not in TIERS:
            raise KinprintError(f"there is no tier {self.tier!r}; known are {', '.join(TIERS)}")
        if self.logits_dtype not in ("float16", "float32"):
            raise KinprintError(f"tier.logits_dtype must be float16 or float32; it is {self.logits_dtype!r}")
        if self.top_k < 1 or not self.temperature > 0 or not 0 < self.top_p <= 1:
            raise KinprintError("tier.top_k must be at least 1, tier.temperature above 0, tier.top_p in (0, 1]")


def plan(suite: Suite, sampling: Sampling, draws: bool = True) -> list[Request]:
    """Every query of a run, in order: the greedy answers, then (tier text, if `draws`) the sampled ones."""

    def request(canary: Canary, draw: int) -> Request:
        return Request(canary, draw, sampling.temperature, sampling.top_p, seed_of(sampling.seed, canary, draw))

    greedy = [request(canary, GREEDY) for canary in suite.canaries]
    if sampling.tier != "text" or not draws:
        return greedy
    return greedy + [request(canary, draw + 1) for canary in suite.canaries for draw in range(canary.draws)]
