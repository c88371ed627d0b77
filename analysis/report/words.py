"""What a verdict means and what it does not, in words that a reader without statistics can check."""

from dataclasses import dataclass, replace

from analysis.attribution import UNKNOWN
from analysis.channels import all_channels, pair_channels
from analysis.report.hostile import NAME_LIMIT, visible
from analysis.shared_weights import NAME
from analysis.verdict import Decision, Shown, Verdict, percent

DECISIONS: dict[Decision, str] = {
    "attributed": "Attributed",
    "unknown": "Unknown family",
    "inconclusive": "Inconclusive",
    "no_signal": "No signal",
}


@dataclass(frozen=True)
class Meaning:
    """Sentences: what the verdict says, and what must not be read into it."""

    says: tuple[str, ...]
    does_not_say: tuple[str, ...]


_PRIOR = (
    "It is not a certainty. The probabilities weigh only the families in this library and the possibility of none "
    "of them, and they hold as far as the calibration under “How it was made” does."
)
_MEANINGS: dict[Decision, Meaning] = {
    "attributed": Meaning(
        (
            "Asked the same questions, the candidate answers like a relative of {family}: far closer to that family's "
            "reference than models of unrelated families are to each other.",
            "Of the explanations weighed here (a relative of one of the families in the library, or of none of them), "
            "this one has a probability of {probability}.",
        ),
        (
            "It is not an accusation of copying. It is about shared lineage as a family: a pre-trained model and all "
            "that descends from it or from its siblings of other sizes. Many such descendants are made openly and "
            "with permission.",
            "It does not name the parent within the family, and it does not show that weights were shared: a model "
            "trained on that family's answers, or on much the same data, can come close too. That takes a test of "
            "descent, which this report does not contain.",
            _PRIOR,
        ),
    ),
    "unknown": Meaning(
        (
            "The candidate's answers are no more like those of any family in the library than the answers of "
            "unrelated models are like each other.",
            "That it belongs to none of these families has a probability of {probability}.",
        ),
        (
            "It does not mean that the candidate was trained from scratch: its base may be a model that the library "
            "does not hold.",
            "It does not exclude a descendant that was changed so much that its answers no longer show where it "
            "comes from.",
            _PRIOR,
        ),
    ),
    "inconclusive": Meaning(
        (
            "Neither a family nor “none of them” reaches the probability that the settings ask for before "
            "something is said.",
            "The likeliest explanation is {likeliest}, with a probability of {probability}. That is not enough to "
            "rely on.",
        ),
        (
            "It neither incriminates nor clears the candidate. The figures below are shown so that they can be "
            "checked, not as a weaker verdict.",
            "It is not a final answer: more canaries, or an access that shows more (log-probabilities in place of "
            "text), may settle it.",
            _PRIOR,
        ),
    ),
    "no_signal": Meaning(
        (
            "There was too little to compare, so nothing was concluded and no probability was computed.",
            "The reason: {reason}.",
        ),
        (
            "Silence is not evidence. It speaks neither for nor against any family.",
            "It does not mean that the candidate is unlike the references: a model that does not answer was not "
            "compared with anything.",
        ),
    ),
}

LIMITS = (
    "Only the families in the library can be named. A base that is missing from it comes out as “unknown”.",
    "The evidence is behaviour, and behaviour follows training data as well as weights. Models of one recipe, or a "
    "student trained on another model's answers, can look like relatives.",
    "The canaries are public. A model can be trained to answer them differently, or to answer them like another.",
    "The order of the canaries by evidence compares two families only: the closest and the one after it.",
    "What a model says about itself and its maker decides nothing here.",
)

GLOSSARY = (
    ("Candidate", "The model under test."),
    ("Family", "A pre-trained model and all models that descend from it or from its siblings of other sizes."),
    ("Reference", "A model of known lineage whose answers to the same prompts are kept in the library."),
    ("Rival", "The family that comes closest after the one named first; evidence is always for one against the other."),
    ("Canary", "One prompt with its settings, chosen because unrelated models answer it differently."),
    ("Posterior", "The probability of each explanation after the answers were seen. All of them sum to 100%."),
    ("Prior", "The probability given to each explanation before any answer was seen."),
    (
        "Deciban (dB)",
        "A unit of evidence. Each +10 dB makes the odds ten times higher, +20 dB a hundred times; "
        "a negative number speaks for the other side, and 0 says nothing.",
    ),
    ("Channel", "One way to compare two sets of answers, for instance by the first token's distribution."),
    ("Likeness", "How alike two models answer one canary in a channel: 1 for the same model, 0 for nothing in common."),
    ("Excess likeness", "Likeness above what strangers show: 100% is what the same model would reach, 0% strangers."),
    ("Tier", "What the access allowed: all logits, the top-k log-probabilities, or text only."),
    ("Calibration", "How far a stated probability can be taken at its word, and on how many lineages that rests."),
)


def sentence(verdict: Verdict) -> str:
    """The verdict in one sentence, with a name that is neither too long nor able to hide anything."""
    name = f"“{visible(verdict.candidate, NAME_LIMIT)}”"
    return visible(replace(verdict, candidate=name).in_words(), 800)


def likeliest(verdict: Verdict) -> str | None:
    """The label with the highest probability; None where there is no posterior."""
    return max(verdict.posterior, key=lambda label: verdict.posterior[label]) if verdict.posterior else None


def meaning(verdict: Verdict, probability: str) -> Meaning:
    """What this verdict says and does not say; `probability` is that of the likeliest label, in words."""
    best = likeliest(verdict)
    named = f"the family {visible(str(best), NAME_LIMIT)}"
    values = {
        "family": visible(str(verdict.family), NAME_LIMIT),
        "probability": probability,
        "likeliest": "none of the known families" if best == UNKNOWN else named,
        "reason": verdict.reason,
    }
    found = _MEANINGS[verdict.decision]
    return Meaning(
        tuple(text.format(**values) for text in found.says), tuple(text.format(**values) for text in found.does_not_say)
    )


def without_tokenizer(verdict: Verdict) -> str:
    """The likeliest explanation with every channel off that depends on the tokenizer."""
    if not verdict.without_tokenizer:
        return "nothing is left to decide on"
    best = max(verdict.without_tokenizer, key=lambda label: verdict.without_tokenizer[label])
    same = " (no channel that decides depends on it)" if verdict.without_tokenizer == verdict.posterior else ""
    return f"{visible(best, NAME_LIMIT)} {percent(verdict.without_tokenizer[best])}{same}"


def numbers(shown: Shown) -> str:
    """Named numbers in a line."""
    return ", ".join(f"{name} {value:.4g}" for name, value in shown.numbers.items())


def channel_in_words(name: str) -> str:
    """What a channel compares: the first line of its own description."""
    if name == NAME:
        return "How much of the candidate's logits lies in the space of the reference's, beside rivals."
    channel = all_channels().get(name) or pair_channels().get(name)
    return (type(channel).__doc__ or "").strip().partition("\n")[0] if channel is not None else ""


def duration(seconds: float) -> str:
    """Seconds for people: `0.8 s`, `2 min 5 s`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def signed(decibans: float, digits: int = 1) -> str:
    """Decibans with their sign, rounded; nothing is written as minus zero."""
    rounded = round(decibans, digits)
    return f"{rounded:+.{digits}f}".replace("-", "−") if rounded else f"{0:.{digits}f}"
