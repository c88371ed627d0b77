"""`kinprint bench NAME`: run a benchmark, print its table and write its rows. Starts without heavy imports."""

from importlib import import_module
from pathlib import Path

from probes.errors import KinprintError
from runners.bench.row import table, write

BENCHES = {
    "capture": "what capturing costs over the model's own arithmetic (about 20 minutes)",
}
_HELP = """kinprint bench: measure what is promised, and say what holds

example: kinprint bench capture
         kinprint bench capture smollm2 --out outputs/bench

Prints a table and writes OUT/NAME.json (OUT: outputs/bench): rows {"name", "value", "unit", "target", "holds"}.
What follows the name of a benchmark restricts it to some of its models.

benchmarks:
"""


def main(arguments: list[str]) -> int:
    """Run one benchmark. Returns 0 whether or not every row holds: the table says which do."""
    if not arguments or any(word in ("-h", "--help") for word in arguments):
        print(_HELP + "\n".join(f"  {name:<10}{said}" for name, said in BENCHES.items()))
        return 0
    out, (name, *models) = _out(arguments)
    if name not in BENCHES:
        raise KinprintError(f"there is no benchmark {name!r}; known are {', '.join(BENCHES)}")
    rows = import_module(f"runners.bench.{name}").measure(models)
    write(rows, out / f"{name}.json")
    print(table(rows))
    return 0


def _out(arguments: list[str]) -> tuple[Path, list[str]]:
    """The folder for the results, and the other words. Raises KinprintError on options that there are not."""
    words, out = list(arguments), "outputs/bench"
    if "--out" in words:
        place = words.index("--out")
        if place + 1 == len(words):
            raise KinprintError("--out needs a folder")
        out = words[place + 1]
        del words[place : place + 2]
    if unknown := [word for word in words if word.startswith("-")]:
        raise KinprintError(f"bench has no option {unknown[0]!r}; see 'kinprint bench --help'")
    if not words:
        raise KinprintError(f"name a benchmark: {', '.join(BENCHES)}")
    return Path(out), words
