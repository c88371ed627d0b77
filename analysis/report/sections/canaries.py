"""The most telling canaries: what was asked, and what the candidate and the references answered, side by side."""

from dataclasses import dataclass

from markupsafe import Markup

from analysis.report.markup import answer, code, lines, name
from analysis.report.material import Material, Section
from analysis.report.sections.evidence import rival_of
from analysis.report.side_by_side import Side, TellingCanary, telling_canaries
from analysis.report.signed import signed
from analysis.verdict import Evidence


@dataclass(frozen=True)
class SideView:
    """One column: `shared` opens the answer, `rest` follows; or `nothing` tells why not."""

    role: Markup
    name: Markup
    shared: Markup
    rest: Markup
    nothing: Markup | None
    tokens: list[tuple[Markup, str, str]]
    draws: list[Markup]
    likeness: Markup | None


@dataclass(frozen=True)
class CanaryView:
    """One card. `prompt`: a speaker (or nothing) and what is said; `against` where it speaks for the rival."""

    id: Markup
    kind: Markup
    weight: Markup
    against: bool
    asks: Markup
    prompt: list[tuple[Markup, Markup]]
    why: Markup
    sides: list[SideView]


@dataclass(frozen=True)
class Canaries(Section):
    """Cards, the most telling first."""

    signs: Markup
    cards: list[CanaryView]


def section(material: Material) -> Canaries | None:
    """None where nothing was compared."""
    say, evidence = material.say, material.verdict.evidence
    found = telling_canaries(material.verdict, material.recording, material.library)
    if evidence is None or not found:
        return None
    lede = say("canaries.lede", n=len(found), family=name(evidence.family), rival=rival_of(material, evidence))
    cards = [_card(material, one, evidence) for one in found]
    return Canaries(say("canaries.title"), lede, say("canaries.signs"), cards)


def _card(material: Material, one: TellingCanary, evidence: Evidence) -> CanaryView:
    say, canary, against = material.say, one.canary, one.evidence.decibans < 0
    side = rival_of(material, evidence) if against else name(evidence.family)
    if canary.messages is None:
        asks, prompt = "prompt", [(Markup(""), lines(canary.text or ""))]
    else:
        asks, prompt = "conversation", [(name(said.role), lines(said.content)) for said in canary.messages]
    if (image := canary.image) is not None:
        size = {"width": str(image.width), "height": str(image.height)}
        prompt.append((Markup(""), say("canaries.image", **size, sha256=code(image.sha256))))
    return CanaryView(
        id=code(canary.id),
        kind=say.term("kind", canary.kind),
        weight=say("canaries.weight", decibans=signed(one.evidence.decibans, 2), side=side),
        against=against,
        asks=say(f"canaries.{asks}"),
        prompt=prompt,
        why=say("canaries.why", why=say.original(canary.why)),
        sides=[_side(material, side) for side in one.sides],
    )


def _side(material: Material, one: Side) -> SideView:
    say = material.say
    said = one.answer or ""
    rest = said[len(one.shared) :]
    nothing = None
    if one.answer is None:
        nothing = say("canaries.no_answer", status=say.term("status", one.status))
    elif not said:
        nothing = say("canaries.empty_answer")
    return SideView(
        role=say(f"canaries.{one.role}", family=name(one.family)),
        name=name(one.name),
        shared=answer(one.shared, end=not rest),
        rest=answer(rest, start=not one.shared),
        nothing=nothing,
        tokens=[_token(material, text, p) for text, p in one.tokens],
        draws=[_bdi(answer(text)) if text else say("canaries.empty") for text in one.draws],
        likeness=_likeness(material, one),
    )


def _token(material: Material, text: str, probability: float) -> tuple[Markup, str, str]:
    """A token, its probability in words, and in percent as the width of its bar."""
    shown = Markup("<code>{}</code>").format(_bdi(answer(text))) if text else material.say("canaries.end")
    return shown, material.say.percent(probability), f"{100 * min(max(probability, 0.0), 1.0):.1f}"


def _likeness(material: Material, one: Side) -> Markup | None:
    if not one.likeness:
        return None
    say = material.say
    unknown = say.plain("number.unknown")
    parts = [
        Markup('<span class="together">{} {}</span>').format(
            code(channel), unknown if value is None else f"{value:.2f}"
        )
        for channel, value in one.likeness.items()
    ]
    return say("canaries.likeness", likeness=Markup(" ").join(parts))


def _bdi(shown: Markup) -> Markup:
    return Markup("<bdi>{}</bdi>").format(shown)
