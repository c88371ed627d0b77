"""What `kinprint evaluate` takes on 300 made models of 1,000 canaries: time and memory of a process of its own."""

import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from analysis.libraries.library import ZOO, Library
from runners.bench.made_models import Population
from runners.bench.made_recordings import Recorder, lineage_lines
from runners.bench.row import Row, Target
from runners.effort import effort
from runners.progress import counting

MODELS, FAMILY, CANARIES = 300, 5, 1_000
TARGETS = (Target("evaluate_minutes", "min", "<=", 15), Target("evaluate_gb", "GB", "<=", 4))


def evaluate_rows(work: Path) -> Iterator[Row]:
    """Both rows, and the minutes of processor time; none has a value if the command failed."""
    library = Library.load(ZOO)
    recorder, models = Recorder(library, CANARIES), list(Population(library).models(0, MODELS, CANARIES, FAMILY))
    with counting("writing recordings to evaluate", MODELS) as progress:
        for one in models:
            recorder.write(one, work / "recordings")
            progress.step()
    (work / "lineage.csv").write_text(lineage_lines(models), "utf-8")
    words = [f"recordings={work / 'recordings'}", f"lineage={work / 'lineage.csv'}", f"out={work / 'evaluation.json'}"]
    with effort() as taken:
        status = subprocess.run([sys.executable, "-m", "runners.cli", "evaluate", *words], check=False).returncode
    most_bytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    for value, target in zip((taken.seconds / 60, most_bytes / 1e9), TARGETS, strict=True):
        yield Row(target.name, None if status else value, target)
    yield Row("evaluate_minutes/cpu", None if status else taken.cpu_seconds / 60, None, "min")
