"""A recording as the channels see it that look at it as a whole: what several of them need is made once."""

from dataclasses import dataclass
from functools import cached_property

from analysis.descent.image import Image, image_of
from analysis.signatures.chosen_logits import ChosenLogits, chosen_logits, last_logits
from analysis.signatures.observation import Observation
from analysis.signatures.unfed import Unfed
from probes.recording import Recording


@dataclass(frozen=True)
class Whole:
    """A recording, and what was observed in it with the access that it was made with."""

    recording: Recording
    observation: Observation

    @cached_property
    def chosen(self) -> ChosenLogits | Unfed:
        """The logits of chosen tokens, at as many places as there are, or why there are none."""
        return chosen_logits(self.recording)

    @cached_property
    def last(self) -> ChosenLogits | Unfed:
        """The logits of chosen tokens after whole prompts, or why there are none."""
        return last_logits(self.recording)

    @cached_property
    def image(self) -> Image | Unfed:
        """The space that those logits lie in, or why it can't be told."""
        return self.chosen if isinstance(self.chosen, Unfed) else image_of(self.chosen.logits, self.chosen.step)
