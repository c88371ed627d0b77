"""What `-m` spreads out: `key=a,b` in Hydra's own grammar, one run for each combination."""

from collections.abc import Iterator, Sequence
from itertools import product

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from probes.errors import KinprintError
from runners.compose import is_free_text


def sweep(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Every combination of the values that the overrides `words` give, in the order of Hydra's basic sweeper.

    `a=1,2`, `a=choice(1,2)` and `a=range(1,3)` are several. So are paths and texts with a comma, unless they stand in
    quotes or brackets. Raises KinprintError on what is no override.
    """
    return product(*(_values(word) for word in words))


def _values(word: str) -> list[str]:
    key, equals, value = word.partition("=")
    if equals and is_free_text(key):
        whole = value[:1] in ("'", '"', "[")
        return [word] if whole else [f"{key}={one.strip()}" for one in value.split(",")]
    try:
        (override,) = OverridesParser.create().parse_overrides([word])
        if not override.is_sweep_override():
            return [word]
        return [f"{key}={one}" for one in override.sweep_string_iterator()]
    except HydraException as error:
        said = next(line.strip() for line in str(error).splitlines() if line.strip())
        raise KinprintError(f"{word!r} can't be swept over: {said}") from error
