"""`kinprint fit`: learn kinship from a library of known lineages, and write it as a file of plain coefficients."""

from dataclasses import dataclass
from pathlib import Path

from analysis.benchmark.fitting import fit_all
from analysis.benchmark.specimens import specimens_of
from runners.compose import settings_of
from runners.jobs.attribute import open_library
from runners.progress import say
from runners.settings import LeaveOutSettings, LibrarySettings

COLUMNS = ("tier", "seen", "canaries", "channels", "lineages", "log_loss", "calibration_p_value", "set_coverage")


@dataclass
class FitSettings:
    """`kinprint fit`: learn kinship from a library and write it into a file."""

    library: LibrarySettings
    leave_out: LeaveOutSettings
    out: str


def main(overrides: list[str]) -> int:
    """The command line's entry."""
    settings = settings_of("fit", FitSettings, overrides)
    library = open_library(settings.library, settings.leave_out)
    fitted = fit_all(specimens_of([library]), library.version, lambda said: say(f"fitting: {said}"))
    fitted.save(Path(settings.out))
    print(*COLUMNS, sep="\t")
    for one in fitted.fits:
        figures = (
            one.reliability.get(name) for name in ("log_loss_with_unknown", "calibration_p_value", "set_coverage")
        )
        cells = ("-" if figure is None else f"{figure:.3g}" for figure in figures)
        print(one.tier, one.seen, one.canaries, "+".join(one.channels), one.lineages, *cells, sep="\t")
    return 0
