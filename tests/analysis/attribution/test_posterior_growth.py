"""What fewer canaries would have said: more of the same canaries from step to step, and at last the verdict itself."""

from dataclasses import replace
from pathlib import Path

from analysis.attribution.attribute import attribute
from analysis.attribution.posterior_growth import posterior_growth
from analysis.attribution.rules import Rules
from analysis.signatures.signature import signature
from tests.made_up_zoo import write_zoo
from tests.recordings import make_up, write_recording


def test_it_grows_up_to_the_verdict(tmp_path: Path) -> None:
    library = write_zoo(tmp_path / "zoo", size=24)
    candidate = signature(write_recording(tmp_path / "candidate", make_up(0, 50, size=24), name="candidate"))
    rules = Rules(kinship=None, channels=("next_token", "greedy"))
    verdict = attribute(candidate, library, rules)
    steps = posterior_growth(candidate, library, rules, verdict)
    assert [step.canaries for step in steps] == [8, 16, 24]
    assert steps[-1].posterior == verdict.posterior
    assert steps[-1].decision == verdict.decision
    assert steps[0].posterior != steps[1].posterior
    assert steps == posterior_growth(candidate, library, rules, verdict)  # the order is drawn beforehand
    assert posterior_growth(candidate, library, rules, replace(verdict, posterior={})) == ()
