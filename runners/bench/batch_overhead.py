"""`kinprint bench batch_overhead`: what a batch costs over the sum of its parts.

The parts are `kinprint attribute` of recordings that are there, each timed within the batch, its own composing of
settings included; the batch is timed from the words of its command line to its summary. Both in one process, so neither
counts the start of Python.
"""

import tempfile
from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO
from itertools import cycle, islice
from pathlib import Path
from time import perf_counter

from analysis.libraries.library import ZOO
from probes.errors import KinprintError
from runners.batch.command import multirun
from runners.batch.summary import load_summary
from runners.bench.row import Row, Target

RUNS = 50
TARGET = Target("batch_overhead", "of the parts", "<=", 0.10)


def measure(folders: Sequence[str], runs: int = RUNS) -> list[Row]:
    """The row, of `runs` recordings from the folders named, by default the zoo in the package.

    Where there are fewer, some are judged again.
    """
    recordings = [
        manifest.parent for folder in folders or [ZOO] for manifest in sorted(Path(folder).glob("*/manifest.json"))
    ]
    if not recordings:
        raise KinprintError(f"there is no recording in {', '.join(folders)}")
    with tempfile.TemporaryDirectory() as place:
        asked, batch = Path(place) / "recordings", Path(place) / "batch"
        asked.mkdir()
        for number, recording in enumerate(islice(cycle(recordings), runs)):
            (asked / f"{number:03}").symlink_to(recording.resolve(), target_is_directory=True)
        start = perf_counter()
        with redirect_stdout(StringIO()):
            failed = multirun("attribute", ["-m", f"recordings={asked}", f"batch={batch}"])
        whole = perf_counter() - start
        lines = load_summary(batch, "attribute")
    if failed or len(lines) != runs:
        raise KinprintError(f"of {runs} recordings {sum(line.status == 'done' for line in lines)} could be judged")
    parts = sum(float(line.seconds) for line in lines)
    return [Row(TARGET.name, whole / parts - 1, TARGET)]
