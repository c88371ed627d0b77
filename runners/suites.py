"""The suite that a job asks, from its settings: a shipped one, one of a file, or one drawn afresh."""

from probes.fresh import fresh_suite
from probes.suite import Suite, load_suite
from runners.progress import say
from runners.secret_seed import secret_seed
from runners.settings import SuiteSettings

FRESH = "fresh"


def suite_of(settings: SuiteSettings) -> Suite:
    """Load or draw the suite; of a fresh one the commitment is said before anything is asked.

    Raises SuiteError if it can't be had.
    """
    if settings.path != FRESH:
        return load_suite(settings.path)
    suite = fresh_suite(secret_seed(settings.seed), settings.size, settings.reveal)
    say(f"fresh suite of {len(suite)} canaries, committed to as {suite.drawn['commitment']}")
    return suite
