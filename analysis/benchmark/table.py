"""The benchmark's page: every number in it comes from the rows of the run, none is typed."""

from collections.abc import Mapping, Sequence
from typing import Any

from analysis.descent.aligned import NAMED, NAMED_A_QUERY, NAMED_QUERIES

Row = Mapping[str, Any]
_TABLES = (
    ("family_accuracy", "Family accuracy: the likeliest of all families and `unknown` is the true one"),
    ("family_named", "The likeliest family is the true one, `unknown` aside: what peers answer"),
    ("attributed", "The true family has a posterior of 0.9 or more, as it takes to name it"),
    ("strangers_attributed", "Some family has as much, for a candidate whose own was taken out"),
    ("family_accuracy_without_tokenizer", "Family accuracy, everything off that depends on the tokenizer"),
    ("family_accuracy_same_tokenizer", "Family accuracy among the references that share the candidate's tokenizer"),
    ("log_loss", "Log loss of the true family, nats"),
    ("log_loss_with_unknown", "Log loss, the families taken out included; that of the prior below"),
    ("log_loss_of_the_prior", "Log loss of the prior, nats"),
    ("calibration_error", "Expected calibration error, families taken out included"),
    ("calibration_p_value", "P-value of calibration, against simulated calibrated posteriors, by lineage"),
    ("set_coverage", "How often the 90% set holds the truth (a family, or `unknown` where it was taken out)"),
    ("set_coverage_known", "The same, of candidates whose family is there"),
    ("set_coverage_unknown", "The same, of candidates whose family was taken out"),
    ("set_size", "Labels in the 90% set, on average"),
    ("unknown_rejected", "Unknowns rejected, at the threshold that accepts 95% of known candidates in training"),
    ("unknown_auc", "Unknowns ranked above knowns, area under the curve"),
    ("descendant_recall", "Descendants recalled, at the threshold with its margin"),
    ("innocents_accused", "Innocents accused, at the threshold with its margin"),
    ("descendant_recall_bare", "Descendants recalled, at the threshold that just accuses nobody in training"),
    ("innocents_accused_bare", "Innocents accused, at the threshold that just accuses nobody in training"),
    (
        "descendant_recall_at_alpha",
        "Descendants recalled by the descent test at alpha = 0.01, the likeliest parent tried",
    ),
    ("innocents_accused_at_alpha", "Accused by the descent test at alpha = 0.01, everybody's own lineage taken out"),
    ("descent_auc", "Descendants ranked above innocents, area under the curve"),
)
_PEER_MEASURES = ("family_accuracy", "log_loss", "unknown_auc", "descendant_recall", "innocents_accused", "descent_auc")
TIERS = ("logits", "topk_chosen", "topk", "text")
"""Accesses by name, in the order of the page."""
_INTRODUCTION = """# The benchmark

Made by `kinprint bench lineage --docs docs/benchmark.md`; not edited by hand. Every figure is of models whose lineage
(and, for families, whose technique) no fitted part has seen, and stands with its 95% interval over lineages and their
number. A budget is a number of canaries; at `topk_chosen`, top-20 access that also gives the logprobs of {named} named
tokens a query, it is a number of queries: {tokens} tokens cost {queries} a prompt, so 64 ask descent about {prompts}
prompts, and a family about {answers} for their likeliest tokens and about {after} of these for named ones (8 are too
few for that: all ask for the likeliest). At `text` nothing follows the weights, and the answer to descent is
`undecidable`. Families are told by how answers begin, go on and are worded, by how many tokens the prompts are cut into
(one stranger in ten taken to share the reference's tokenizer, one of kin in ten to answer like a stranger), by how far
references stand out beside independently trained ones of their family, and with their tokenizer, at `logits` and
`topk_chosen` by shared weights, and at `topk` by what a reference explains of the likeliest tokens beside its rivals,
as `kinprint attribute` does.

A lineage held out is seen by no fitted part; its base may stand in the library, and so among the rivals that scores of
shared weights and of likeliest tokens are taken beside, as it would when the tool is used. A family taken out as
unknown is not among them.
"""


def page(
    rows: Sequence[Row], settings: Mapping[str, Mapping[str, str]], missing: Sequence[str], plots: Sequence[str]
) -> str:
    """The Markdown. `settings` that each peer chose, by tier; `missing` members; `plots`: names of files beside it."""
    spent = {"named": NAMED_A_QUERY, "tokens": NAMED, "queries": NAMED_QUERIES, "prompts": 64 // NAMED_QUERIES}
    parts = [_INTRODUCTION.format(**spent, answers=32, after=32 // NAMED_QUERIES)]
    if missing:
        parts.append(f"**{len(missing)} members of the zoo were not there: nothing here is measured on them.**")
    parts += ["## What was asked", _asked(rows)]
    parts += [f"![{name.rpartition('/')[2].removesuffix('.svg')}]({name})" for name in plots]
    parts += ["## By tier and budget", *_by_budget(rows)]
    parts += ["## By technique, 64 canaries", _by_technique(rows)]
    parts += ["## The peers", _PEERS_SAID]
    for tier in TIERS:
        parts += [part for budget in (16, 64) for part in _peers(rows, tier, budget)]
    parts += ["### Settings that the peers chose", _settings(settings)]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


_PEERS_SAID = """
Each cell: the peer's figure, and in brackets ours less theirs with its interval, paired by lineage; **bold** where we
are significantly behind (the whole interval below zero). Peers name the nearest family, so ours is the likeliest one
where `unknown` is no answer (`family_named`). A peer's log loss is that of our own calibration put on top of its
scores, learned on the same training lineages (with the setting that is best on all of them, which favours the peer); in
brackets theirs less ours. `bottom_k` compares nothing across tokenizers, so a family left out that has one of its own
is unknown to it at once. `templates` is measured up to 64 canaries.
"""


def said(row: Row | None) -> str:
    """A figure with its interval and its number of lineages, or a dash."""
    if row is None or row["value"] is None:
        return "–"
    value = f"{row['value']:.3f}".rstrip("0").rstrip(".") or "0"
    if row.get("low") is None or row["unit"] in ("techniques", "measures", "models", "yes or no"):
        return value
    return f"{value} [{row['low']:.2f}, {row['high']:.2f}] n={row['n']}"


def _asked(rows: Sequence[Row]) -> str:
    aimed = [row for row in rows if row["target"] is not None and not row["name"].startswith("peer_")]
    peers = [row for row in rows if row["name"].startswith("peer_") and row["target"] is not None]
    behind = [row for row in peers if "/significantly_behind/" in row["name"]]
    lines = [
        [f"`{row['name']}`", said(row), f"{row['target']['op']} {row['target']['value']:g}", _holds(row)]
        for row in aimed
    ]
    if behind:
        worse = sum(row["value"] or 0 for row in behind)
        lines.append(["figures of peers that we are significantly behind", f"{worse:g}", "<= 0", _yes(worse == 0)])
        ahead = [bool(row["value"]) for row in peers if "/ahead/" in row["name"]]
        lines.append(
            [
                "peers that we are ahead of in log loss, over tiers and budgets",
                f"{sum(ahead)}",
                f">= {len(ahead)}",
                _yes(all(ahead)),
            ]
        )
    return _table(["row", "measured", "asked", "holds"], lines)


def _by_budget(rows: Sequence[Row]) -> list[str]:
    found = {row["name"]: row for row in rows}
    parts = []
    for measure, about in _TABLES:
        budgets = sorted({int(name.split("/")[2]) for name in found if name.startswith(f"{measure}/")})
        tiers = [tier for tier in TIERS if any(f"{measure}/{tier}/{budget}" in found for budget in budgets)]
        lines = [[tier, *(said(found.get(f"{measure}/{tier}/{budget}")) for budget in budgets)] for tier in tiers]
        if lines:
            parts += [f"**{about}**", _table(["tier", *map(str, budgets)], lines)]
    return parts


def _by_technique(rows: Sequence[Row]) -> str:
    found = {row["name"]: row for row in rows if row["name"].startswith("technique_")}
    names = sorted({name.split("/")[0].removeprefix("technique_") for name in found})
    columns = [("family_accuracy", tier) for tier in TIERS]
    columns += [("descendant_recall", tier) for tier in TIERS if tier != "text"]
    heads = ["technique", *(f"{measure.split('_')[1]}, {tier}" for measure, tier in columns)]
    lines = [
        [name, *(said(found.get(f"technique_{name}/{measure}/{tier}/64")) for measure, tier in columns)]
        for name in names
    ]
    return _table(heads, lines)


def _peers(rows: Sequence[Row], tier: str, budget: int) -> list[str]:
    found = {row["name"]: row for row in rows if row["name"].endswith(f"/{tier}/{budget}")}
    names = sorted({name.split("/")[0] for name in found if name.startswith("peer_")})
    if not names:
        return []
    lines = [
        [name.removeprefix("peer_"), *(_beside(found, name, one, tier, budget) for one in _PEER_MEASURES)]
        for name in names
    ]
    ours = ["kinprint", *(said(found.get(f"{one}/{tier}/{budget}")) for one in ("family_named", *_PEER_MEASURES[1:]))]
    unit = "queries" if tier == "topk_chosen" else "canaries"
    return [f"### {tier}, {budget} {unit}", _table(["", *_PEER_MEASURES], [ours, *lines])]


def _beside(found: Mapping[str, Row], peer: str, measure: str, tier: str, budget: int) -> str:
    cell = said(found.get(f"{peer}/{measure}/{tier}/{budget}"))
    difference = found.get(f"{peer}/{measure}_difference/{tier}/{budget}")
    if difference is None or difference["value"] is None:
        return cell
    text = f"{difference['value']:+.2f} [{difference['low']:+.2f}, {difference['high']:+.2f}]"
    return f"{cell} ({f'**{text}**' if difference['high'] < 0 else text})"


def _settings(settings: Mapping[str, Mapping[str, str]]) -> str:
    lines = [[tier, peer, f"`{chosen}`"] for tier, peers in settings.items() for peer, chosen in peers.items()]
    return _table(["tier", "peer", "settings, the one chosen most often first"], lines)


def _holds(row: Row) -> str:
    return _yes(bool(row["holds"]))


def _yes(holds: bool) -> str:
    return "yes" if holds else "**no**"


def _table(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    made = [heads, ["---"] * len(heads), *lines]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in made)
