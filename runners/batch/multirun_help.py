"""What `kinprint VERB --help` says of `-m`. Starts without Hydra."""

from pathlib import Path

FLAGS = ("-m", "--multirun")
_EXAMPLES = {
    "collect": "kinprint collect -m candidates=FILE.csv tier=topk batch=outputs/batch",
    "attribute": "kinprint attribute -m batch=outputs/batch launcher=joblib",
    "report": "kinprint report -m recordings=runs batch=outputs/batch",
}


def multirun_help(verb: str, configs: Path) -> list[str]:
    """The lines on sweeps of a verb that takes them; none of another."""
    if verb not in _EXAMPLES:
        return []
    return ["", f"many at once: {_EXAMPLES[verb]}", "", (configs / "multirun.yaml").read_text("utf-8").rstrip()]
