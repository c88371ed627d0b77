"""The benchmark's plots, as files of SVG that stand beside its page. The same figures give the same bytes."""

from collections.abc import Mapping, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_RC: dict[Any, Any] = {"svg.fonttype": "path", "svg.hashsalt": "kinprint", "text.usetex": False, "font.size": 9}
_TIERS = {"logits": "#1b4f8a", "topk_chosen": "#7a3b8f", "topk": "#b3541e", "text": "#3f7d3a"}
_MARKS = {"logits": "o", "topk_chosen": "D", "topk": "s", "text": "^"}
Row = Mapping[str, Any]
Curve = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


def accuracy_plot(rows: Sequence[Row]) -> str:
    """Family accuracy against the budget, a line a tier with its interval."""

    def draw(axes: "Axes") -> None:
        for tier, colour in _TIERS.items():
            points = [(int(row["name"].split("/")[2]), row) for row in rows if _is(row, "family_accuracy", tier)]
            known = sorted((budget, row) for budget, row in points if row["value"] is not None)
            if known:
                budgets = [budget for budget, _ in known]
                low, value, high = ([row[key] for _, row in known] for key in ("low", "value", "high"))
                axes.fill_between(budgets, low, high, color=colour, alpha=0.12, linewidth=0)
                axes.plot(budgets, value, color=colour, marker=_MARKS[tier], label=tier)
        axes.set_xscale("log", base=2)
        axes.set_xlabel("canaries; at topk_chosen, queries")
        axes.set_ylabel("family accuracy, lineage and technique held out")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")

    return _svg(draw)


def roc_plot(curves: Mapping[str, Curve]) -> str:
    """Descendants recalled against innocents accused as the threshold falls, by the way of looking or the peer.

    `curves`: for each the scores of descendants with their own base, and the highest of anybody with another lineage.
    """

    def draw(axes: "Axes") -> None:
        for name, (kin, others) in sorted(curves.items()):
            thresholds = np.sort(np.concatenate([kin, others, [np.inf]]))[::-1]
            shares = [[float((side >= threshold).mean()) for threshold in thresholds] for side in (others, kin)]
            own = name in _TIERS
            style: dict[str, Any] = {"color": _TIERS[name], "linewidth": 2} if own else {"linewidth": 1, "alpha": 0.8}
            axes.plot(*shares, label=name, linestyle="-" if own else "--", **style)
        axes.set_xlabel("innocents accused")
        axes.set_ylabel("descendants recalled")

    return _svg(draw)


def _is(row: Row, measure: str, tier: str) -> bool:
    return bool(row["name"].startswith(f"{measure}/{tier}/"))


def _svg(draw: Any) -> str:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(_RC), StringIO() as file:
        chart = Figure(figsize=(6.4, 4.2), layout="constrained")
        axes = chart.add_subplot()
        draw(axes)
        axes.set_ylim(-0.02, 1.02)
        axes.grid(alpha=0.25)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(loc="lower right", frameon=False)
        chart.savefig(file, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
        return file.getvalue()
