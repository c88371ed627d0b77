"""`kinprint weights`: what the weights of two models say, each measure beside the rate at which strangers reach it."""

import sys
from dataclasses import dataclass
from pathlib import Path

from analysis.weights.evidence import WeightEvidence, compare_weights
from analysis.weights.innocent_pairs import SHIPPED, PairsFile
from analysis.weights.words import COLUMNS, facts, rows, said
from probes.errors import KinprintError
from probes.write_whole import write_whole
from runners.compose import settings_of
from runners.jobs.collect import serving
from runners.settings import CandidateSettings
from runners.zoo.models import FROM_ZOO

NAME = "weights.json"


@dataclass
class WeightsSettings:
    """`kinprint weights`: compare the models at `a` and `b`; `pairs`: a file of measured pairs of one's own."""

    a: str
    b: str
    pairs: str | None
    out: str | None


def main(overrides: list[str]) -> int:
    """The command line's entry."""
    settings = settings_of("weights", WeightsSettings, overrides)
    if settings.out is not None and Path(settings.out).is_file():
        raise KinprintError(f"out={settings.out} is a file; name the folder to write {NAME} into")
    found = run(settings)
    if settings.out is not None:
        write_whole(Path(settings.out) / NAME, found.to_json())
    show(found)
    return 0


def run(settings: WeightsSettings) -> WeightEvidence:
    """Compare."""
    pairs = PairsFile.load(SHIPPED if settings.pairs is None else Path(settings.pairs))
    return compare_weights(*(place_of(model) for model in (settings.a, settings.b)), pairs)


def show(evidence: WeightEvidence) -> None:
    """Print what is said, the table and the facts; separated by tabs where nobody looks at it directly."""
    print(said(evidence) + "\n")
    if sys.stdout.isatty():
        from rich.box import SIMPLE_HEAD
        from rich.console import Console
        from rich.table import Table

        table = Table(*COLUMNS, box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
        for row in rows(evidence):
            table.add_row(*row)
        Console(highlight=False).print(table)
    else:
        for row in (COLUMNS, *rows(evidence)):
            print("\t".join(row))
    print("\n" + "\n".join(facts(evidence)))


def place_of(model: str) -> Path:
    """A path, or where a model of the zoo (`zoo:NAME`) is kept."""
    return Path(serving(CandidateSettings(model))["model"]) if model.startswith(FROM_ZOO) else Path(model)
