"""`kinprint bench scale`: attribution against up to 100,000 references, and what adding to them costs.

Every time is measured twice: in seconds on the clock, which the targets are for, and in seconds of processor time,
which other work on the machine changes less (`.../cpu`). One thread, warm: after two candidates that are not counted.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
from threadpoolctl import threadpool_limits

from analysis.libraries.library import ZOO, Library, save_index
from analysis.search.index import SearchIndex, add, opened, update
from analysis.search.nearest import Search
from analysis.signatures.signature import Signature
from probes.errors import KinprintError
from probes.recording import folder_name, load_recording
from runners.bench import batch_overhead
from runners.bench.evaluating import TARGETS, evaluate_rows
from runners.bench.made_distances import distance_rows
from runners.bench.made_library import Shaper
from runners.bench.made_models import FAMILY_SIZE, Made, Population
from runners.bench.memory import peak_mb
from runners.bench.row import Row, Target
from runners.effort import Effort, effort
from runners.progress import counting, say

SIZES = (1_000, 10_000, 100_000)
BATCH, EVALUATE = "batch", "evaluate"
"""What may be named beside numbers of references: a batch over the sum of its parts, and `kinprint evaluate`."""
_TARGETS = {1_000: 0.1, 10_000: 0.2, 100_000: 0.8}
_CANDIDATES, _EXHAUSTIVE, _ADDED = 9, 2, 1_000
_BATCH = 1_000


def timed(run: Callable[[], object]) -> Effort:
    """Run something once."""
    with effort() as taken:
        run()
    return taken


def measure(sizes: Sequence[str]) -> list[Row]:
    """Every row; `sizes` restricts them to numbers of references, `batch` and `evaluate`.

    What is made lies in a temporary folder, up to 13 GB, and is deleted. Each row is said as soon as it is there.
    """
    numbers = [word for word in sizes if word not in (BATCH, EVALUATE)]
    if unknown := [word for word in numbers if not (word.isdecimal() and int(word) >= 200)]:
        raise KinprintError(
            f"scale is measured on {BATCH}, {EVALUATE}, or 200 references and more, not on {unknown[0]!r}"
        )
    asked = sorted(map(int, numbers)) if sizes else SIZES
    rows = []
    with TemporaryDirectory(prefix="kinprint-scale-") as work, threadpool_limits(1):
        for row in _asked_for(Path(work), asked, set(sizes) or {BATCH, EVALUATE}):
            rows.append(row)
            say(f"{row.name}: {'not taken' if row.value is None else f'{row.value:.4g}'}")
    return rows


def _asked_for(work: Path, numbers: Sequence[int], words: AbstractSet[str]) -> Iterator[Row]:
    """The rows that were asked for; the batch and evaluation stand there without a value where they were not."""
    if numbers:
        yield from _rows(work / "library", numbers)
        shutil.rmtree(work / "library")
    if BATCH in words:
        yield from batch_overhead.measure([])
    else:
        yield Row(batch_overhead.TARGET.name, None, batch_overhead.TARGET)
    if EVALUATE in words:
        yield from evaluate_rows(work)
    else:
        yield from (Row(one.name, None, one) for one in TARGETS)


def _rows(folder: Path, sizes: Sequence[int]) -> Iterator[Row]:
    shutil.copytree(ZOO, folder)
    update(Library.load(folder))
    real, taken = Library.load(folder), {}
    [shelf] = opened(real).values()
    shaper = Shaper(Population(real), shelf)
    yield from distance_rows(shaper)
    asked = [shaper.candidate(one) for one in _outsiders(shaper, min(sizes), _CANDIDATES)]
    for size in sizes:
        _fill(shaper, size)
        search = Search(SearchIndex.open(folder))
        for one in asked[:2]:
            search.attribute(one)
        taken[size] = _typical([timed(partial(search.attribute, one)) for one in asked[2:]])
        yield Row(
            f"attribute_seconds/{size}", taken[size].seconds, _target("attribute_seconds", "s", _TARGETS.get(size))
        )
        yield Row(f"attribute_seconds/{size}/cpu", taken[size].cpu_seconds, None, "s")
    yield _memory(search, asked[0], size)
    if len(sizes) > 1:
        yield Row(
            "growth", taken[sizes[-1]].cpu_seconds / taken[sizes[-2]].cpu_seconds, Target("growth", "ratio", "<=", 10)
        )
    yield from _recall(search, asked[-_EXHAUSTIVE:], size)
    yield from _adding(folder, real)


def _typical(times: Sequence[Effort]) -> Effort:
    return Effort(median(one.seconds for one in times), median(one.cpu_seconds for one in times))


def _target(name: str, unit: str, most: float | None) -> Target | None:
    return None if most is None else Target(name, unit, "<=", most)


def _numbers(size: int) -> Iterator[int]:
    """Numbers of the made models that are on the shelf: of each family the last is kept for a candidate."""
    return (number for number in range(size * 2) if number % FAMILY_SIZE < FAMILY_SIZE - 1)


def _outsiders(shaper: Shaper, size: int, count: int) -> list[Made]:
    """Made models whose families are on the shelf, and which are not."""
    families = np.linspace(0, (size - len(shaper.population.library.members)) // FAMILY_SIZE - 1, count).astype(int)
    width = len(shaper.shelf.digests)
    return [shaper.population.model(int(one) * FAMILY_SIZE + FAMILY_SIZE - 1, width) for one in families]


def _fill(shaper: Shaper, size: int) -> None:
    """Put made models on the shelf until it holds so many."""
    shelf, width = shaper.shelf, len(shaper.shelf.digests)
    there = shelf.count - len(shaper.population.library.members)
    made = islice(_numbers(size), there, None)
    with counting(f"making {size} references", size, shelf.count) as progress:
        while shelf.count < size:
            batch = [next(made) for _ in range(min(_BATCH, size - shelf.count))]
            shelf.append([shaper.entry(shaper.population.model(number, width)) for number in batch])
            for _ in batch:
                progress.step()
    shelf.save()


def _memory(search: Search, candidate: Signature, size: int) -> Row:
    most = peak_mb(lambda: search.attribute(candidate)) / 1000
    return Row(f"peak_memory_gb/{size}", most, _target("peak_memory_gb", "GB", 2 if size == SIZES[-1] else None))


def _recall(search: Search, candidates: Sequence[Signature], size: int) -> Iterator[Row]:
    """How many of the ten nearest an exhaustive search finds too."""
    [shelf], found = search.index.shelves, []
    times = []
    for candidate in candidates:
        near = search.nearest_on(shelf, candidate).rows[:10]
        every: list[int] = []
        times.append(timed(lambda: every.extend(search.nearest_on(shelf, candidate, size).rows[:10])).cpu_seconds)  # noqa: B023
        found.append(len(np.intersect1d(near, every)) / 10)
    yield Row("recall_at_10", float(np.mean(found)), Target("recall_at_10", "share", ">=", 0.99))
    yield Row(f"exhaustive_seconds/{size}/cpu", median(times), None, "s")


def _adding(folder: Path, real: Library) -> Iterator[Row]:
    """What it takes to add recordings to the index of the largest library: they are read, sketched and appended.

    They are real ones under new names.
    """
    library, members = Library.load(folder), []
    for number in range(_ADDED):
        member = real.members[number % len(real.members)]
        members.append(replace(member, name=f"added-{number}", parent=None, fit=False))
        _copy_under_new_name(folder, member.name, members[-1].name)
    save_index(folder, library.version, [*library.members, *members])
    grown = Library.load(folder)
    taken = timed(lambda: add(grown, members, opened(grown)))
    yield Row("add_1000_seconds", taken.seconds, Target("add_1000_seconds", "s", "<=", 60))
    yield Row("add_1000_seconds/cpu", taken.cpu_seconds, None, "s")


def _copy_under_new_name(folder: Path, name: str, new: str) -> None:
    target = shutil.copytree(folder / folder_name(name), folder / new)
    manifest = load_recording(target).manifest
    (target / "manifest.json").write_text(replace(manifest, candidate=new).to_json(), "utf-8")
