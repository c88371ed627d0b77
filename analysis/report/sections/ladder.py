"""The four rungs, each by itself: its question, its answer, why, and how often that is right or wrong."""

from dataclasses import dataclass, field

from markupsafe import Markup

from analysis.report.markup import name
from analysis.report.material import Material, Section
from analysis.report.sections.banner import label
from analysis.report.sections.descent import answer_of, asked_of
from analysis.report.sections.rates import descent_rates, family_rates
from analysis.verdict import likeliest

ESTABLISHED, OPEN, NOTHING, NOT_ASKED = "●", "◐", "○", "–"  # shapes, so that nothing is said by colour alone


@dataclass(frozen=True)
class Rung:
    """`sign` shows at a glance whether something was established, is open, was not found, or was not asked."""

    number: Markup
    question: Markup
    answer: Markup
    sign: str
    why: list[Markup]
    rates: list[Markup] = field(default_factory=list)


@dataclass(frozen=True)
class Ladder(Section):
    """From the first question to the last."""

    rungs: list[Rung]


def section(material: Material) -> Ladder:
    """Always there."""
    say = material.say
    rungs = [_signal(material), _tokenizer(material), _family(material), _descent(material)]
    return Ladder(say("ladder.title"), say("ladder.lede"), rungs)


def _signal(material: Material) -> Rung:
    verdict, say, recording = material.verdict, material.say, material.recording
    silent = verdict.decision == "no_signal"
    usable = len(recording.greedy.keys() | recording.draws.keys())
    why = [say("signal.answered", asked=len(recording.suite), answered=usable, compared=verdict.canaries)]
    if silent:
        why.append(say("signal.none", reason=say.original(verdict.reason)))
    why += [say.term("conduct", code) for code in verdict.conduct]
    if verdict.noise_floor is None:
        why.append(say("signal.no_noise"))
    else:
        why.append(say("signal.noise", bits=f"{verdict.noise_floor:.3f}"))
    answer = say("signal.no" if silent else "signal.yes")
    return Rung(
        _number(material, 0),
        say("signal.question"),
        answer,
        NOTHING if silent else ESTABLISHED,
        why,
        [say("signal.rates")],
    )


def _tokenizer(material: Material) -> Rung:
    say, found = material.say, material.verdict.tokenizer
    fits, collisions = found.get("fits", []), found.get("collisions", [])
    if not found:
        answer, sign, why = say("tokenizer.unknown"), OPEN, [say("tokenizer.unknown_why")]
    elif not fits:
        answer, sign, why = say("tokenizer.none"), NOTHING, [say("tokenizer.none_why")]
    else:
        answer, sign, why = say.names(fits), ESTABLISHED, [say("tokenizer.fits", families=say.names(fits))]
    if collisions:
        why.append(say("tokenizer.collisions", families=say.names(collisions)))
    why.append(say("tokenizer.caution"))
    return Rung(_number(material, 1), say("tokenizer.question"), answer, sign, why, [say("tokenizer.rates")])


def _family(material: Material) -> Rung:
    verdict, say = material.verdict, material.say
    best = verdict.likeliest
    signs = {"attributed": ESTABLISHED, "unknown": NOTHING}
    answer = name(verdict.family) if verdict.decision == "attributed" else say(f"family.{verdict.decision}")
    why = []
    if best is not None:
        probability = say.percent(verdict.posterior[best])
        why.append(say("family.posterior", label=label(material, best), probability=probability))
    if verdict.decision == "inconclusive":
        why.append(say("family.alone", reason=say.original(verdict.reason)))
    why += _set(material) + _without_tokenizer(material)
    rates = family_rates(material)
    return Rung(_number(material, 2), say("family.question"), answer, signs.get(verdict.decision, OPEN), why, rates)


def _set(material: Material) -> list[Markup]:
    found, say = material.verdict.family_set, material.say
    if found is None:
        return []
    if found.members is None:
        return [say("family.no_set", basis=say.original(found.basis))]
    members = say.joined(label(material, one) for one in found.members)
    told = [say("family.set", level=f"{100 * found.level:.0f}%", labels=members)]
    return [*told, say("family.set_basis", basis=say.original(found.basis))]


def _without_tokenizer(material: Material) -> list[Markup]:
    verdict, say = material.verdict, material.say
    if not verdict.posterior:
        return []
    best = likeliest(verdict.without_tokenizer)
    if best is None:
        return [say("family.blind_none")]
    probability = say.percent(verdict.without_tokenizer[best])
    return [say("family.blind", label=label(material, best), probability=probability)]


def _descent(material: Material) -> Rung:
    decisions = {one.decision for one in material.verdict.descent}
    sign = ESTABLISHED if "shared_ancestry" in decisions else OPEN if decisions else NOT_ASKED
    question, why = material.say("descent.question"), asked_of(material)
    return Rung(_number(material, 3), question, answer_of(material), sign, why, descent_rates(material))


def _number(material: Material, number: int) -> Markup:
    return material.say("ladder.rung", number=number)
