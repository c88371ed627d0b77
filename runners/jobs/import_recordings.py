"""`kinprint import`: recordings that others made, as kinprint's own."""

from dataclasses import dataclass
from pathlib import Path

from probes.errors import KinprintError
from runners.compose import settings_of
from runners.imports.convert import convert
from runners.progress import say
from runners.record import command_line


@dataclass
class ImportSettings:
    """`kinprint import`: turn a foreign file into one recording a model. `on_error` is `fail` or `skip`."""

    source: str
    format: str
    out: str
    on_error: str


def main(overrides: list[str]) -> int:
    """The command line's entry."""
    settings = settings_of("import", ImportSettings, overrides)
    if settings.on_error not in ("fail", "skip"):
        raise KinprintError(f"on_error must be fail or skip; it is {settings.on_error!r}")
    out = Path(settings.out)
    made_by = command_line("import", overrides)
    summary = convert(Path(settings.source), settings.format, out, settings.on_error == "skip", made_by)
    some = len(summary["prompts_of_some_models_only"])
    say(
        f"{out}: {len(summary['models'])} models, {summary['prompts']} prompts ({some} answered by some models only), "
        f"{sum(summary['answers'].values()):,} answers ({summary['answers']['empty']} empty), "
        f"{summary['bad_rows']} bad rows left out"
    )
    print(out)
    return 0
