"""`kinprint bench NAME`: run a benchmark, print its table and write its rows. Starts without heavy imports."""

from importlib import import_module
from pathlib import Path

from probes.errors import KinprintError
from runners.bench.row import table, write

BENCHES = {
    "cases": "the five disputes with the zoo's analogues; status 1 if a verdict is wrong (about 20 minutes)",
    "capture": "what capturing costs over the model's own arithmetic (about 20 minutes)",
    "lineage": "families and descent on models of known lineage, held out, the peers beside us (about 10 minutes)",
    "scale": "attribution against up to 100,000 references, adding to them, a batch, evaluation (half an hour, 13 GB)",
    "sequential": "how soon a watch notices a swapped model and a probe decides, how often either errs (simulated)",
    "weights": "how often the measures of `kinprint weights` take strangers for kin (models of the zoo, on disk)",
    "batch_overhead": "what a batch of 50 recordings costs over the sum of its parts (about 5 minutes)",
}
_FILES = {"--docs": ("cases", "lineage", "weights"), "--pairs": ("weights",), "--rates": ("lineage",)}
"""Files that some benchmarks write beside their rows."""
_HELP = """kinprint bench: measure what is promised, and say what holds

example: kinprint bench capture
         kinprint bench capture smollm2 --out outputs/bench
         kinprint bench lineage my-zoo --docs my-zoo.md
         kinprint bench weights models/ --docs docs/weights.md

Prints a table and writes OUT/NAME.json (OUT: outputs/bench): rows {"name", "value", "unit", "target", "holds"}.
What follows the name of a benchmark restricts it to some of its models; for lineage it names folders of libraries
(by default the zoo in the package), for sequential one (by default the references in the package for the watch, the
zoo there for the probe); for scale it is numbers of references, batch, or evaluate, for the rows of these alone.
Rows of lineage are NAME/TIER/BUDGET and have "low", "high", "n" (independent lineages) too; those of peers begin with
peer_NAME/. Option --docs FILE writes them as a page with plots, --rates FILE those that
reports tell (analysis/measured_rates.json). For weights name folders of models of the zoo (by default those fetched);
--pairs FILE is the file of measured pairs that is brought up to date (by default the one in the package), --docs FILE
the page whose table is. For cases name some of configs/experiment; --docs FILE is the page whose tables are theirs.
For batch_overhead name folders of recordings (by default the zoo in the package).

benchmarks:
"""


def main(arguments: list[str]) -> int:
    """Run one benchmark. Returns 0 whether or not every row holds, and the table says which do; 1 if a row that the
    benchmark calls a `VERDICT` does not."""
    if not arguments or any(word in ("-h", "--help") for word in arguments):
        print(_HELP + "\n".join(f"  {name:<16}{said}" for name, said in BENCHES.items()))
        return 0
    options, (name, *models) = _options(arguments)
    if name not in BENCHES:
        raise KinprintError(f"there is no benchmark {name!r}; known are {', '.join(BENCHES)}")
    for option, benches in _FILES.items():
        if option in options and name not in benches:
            raise KinprintError(f"{name} writes no such file; {option} goes with {' and '.join(benches)}")
    files = {option.removeprefix("--"): Path(options[option]) for option in _FILES if option in options}
    bench = import_module(f"runners.bench.{name}")
    rows = bench.measure(models, **files)
    write(rows, Path(options.get("--out", "outputs/bench")) / f"{name}.json")
    print(table(rows))
    verdict = getattr(bench, "VERDICT", None)
    return int(verdict is not None and any(row.name.startswith(verdict) and not row.holds for row in rows))


def _options(arguments: list[str]) -> tuple[dict[str, str], list[str]]:
    """Options with their values, and the other words. Raises KinprintError on options that there are not."""
    words, options = list(arguments), {}
    for option, what in (("--out", "a folder"), *((option, "a file") for option in _FILES)):
        if option in words:
            place = words.index(option)
            if place + 1 == len(words):
                raise KinprintError(f"{option} needs {what}")
            options[option] = words[place + 1]
            del words[place : place + 2]
    if unknown := [word for word in words if word.startswith("-")]:
        raise KinprintError(f"bench has no option {unknown[0]!r}; see 'kinprint bench --help'")
    if not words:
        raise KinprintError(f"name a benchmark: {', '.join(BENCHES)}")
    return options, words
