"""The one console command: `kinprint VERB [overrides]`. Starts without Hydra, vLLM, torch or scikit-learn."""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import FrameType

from probes.errors import KinprintError
from runners.batch.multirun_help import FLAGS, multirun_help


@dataclass(frozen=True)
class Verb:
    """One verb: what it does in a line, where its `main(arguments)` is, and how it is used.

    `config` names its settings; where `configured` is set, those of this sub-verb alone.
    """

    summary: str
    module: str
    example: str
    config: str | None = None
    configured: str | None = None


VERBS = {
    "collect": Verb(
        "ask a candidate a suite of canaries and write the recording",
        "runners.jobs.collect",
        "kinprint collect candidate.model=./my-model suite=core tier=topk out=runs/my-model",
        "collect",
    ),
    "attribute": Verb(
        "say which family a recording descends from",
        "runners.jobs.attribute",
        "kinprint attribute recording=runs/my-model out=runs/my-model/verdict",
        "attribute",
    ),
    "descent": Verb(
        "say whether a recording's model shares weight ancestry with a named parent",
        "runners.jobs.descent",
        "kinprint descent recording=runs/my-model parent=smollm2",
        "descent",
    ),
    "fit": Verb(
        "learn from a library of known lineages what similarity is worth",
        "runners.jobs.fit",
        "kinprint fit library=zoo out=kinship.json",
        "fit",
    ),
    "plan": Verb(
        "say how likely a verdict is, and what it costs, before anything is asked",
        "runners.jobs.plan",
        "kinprint plan tier=topk budget=64 goal=descent parent=gemma3",
        "plan",
    ),
    "probe": Verb(
        "ask batch by batch, choosing what tells most, and stop as soon as the answer is sure",
        "runners.jobs.probe",
        "kinprint probe candidate.model=./my-model goal=family out=runs/my-model",
        "probe",
    ),
    "explain": Verb(
        "list channels and canaries by the evidence that they gave",
        "runners.jobs.explain",
        "kinprint explain recording=runs/my-model > evidence.tsv",
        "explain",
    ),
    "report": Verb(
        "write the report of a recording's verdict as one HTML file",
        "runners.jobs.report",
        "kinprint report recording=runs/my-model out=report.html",
        "report",
    ),
    "bundle": Verb(
        "pack a recording and all that its verdict rests on into one signed file",
        "runners.jobs.bundle",
        "kinprint bundle recording=runs/my-model key=evidence.key out=evidence.kinprint.zip",
        "bundle",
    ),
    "verify": Verb(
        "check a bundle, and compute its verdict again",
        "runners.jobs.verify",
        "kinprint verify evidence.kinprint.zip key=theirs.pub",
    ),
    "replicate": Verb(
        "ask again what a bundle's recording was asked, and say whether the answers are the same",
        "runners.jobs.replicate",
        "kinprint replicate bundle=evidence.kinprint.zip candidate.model=./their-model out=runs/again",
        "replicate",
    ),
    "key": Verb("make a key to sign bundles and plans with", "runners.jobs.key", "kinprint key new evidence.key"),
    "tree": Verb(
        "place references and recordings in a tree by how alike they answer",
        "runners.jobs.tree",
        "kinprint tree recordings=[runs/my-model] out=outputs/tree",
        "tree",
    ),
    "import": Verb(
        "turn recordings that others made into kinprint's own",
        "runners.jobs.import_recordings",
        "kinprint import source=answers.jsonl format=jsonl out=runs/imported",
        "import",
    ),
    "evaluate": Verb(
        "say how well a library of recordings attributes, and how far its probabilities can be trusted",
        "runners.jobs.evaluate",
        "kinprint evaluate recordings=runs/imported lineage=lineage.csv out=evaluation.json",
        "evaluate",
    ),
    "same": Verb(
        "say whether two recordings are of the same model",
        "runners.jobs.same",
        "kinprint same a=runs/yesterday b=runs/today",
        "same",
    ),
    "watch": Verb(
        "repeat a few canaries on a schedule, and notice when the model behind them has changed",
        "runners.jobs.watch",
        "kinprint watch backend.base_url=https://HOST/v1 candidate.model=NAME out=watch/NAME interval_seconds=3600",
        "watch",
    ),
    "weights": Verb(
        "compare two models' weights, each measure with the rate at which strangers reach it",
        "runners.jobs.weights",
        "kinprint weights a=./my-model b=./their-model.gguf out=outputs/weights",
        "weights",
    ),
    "demo": Verb(
        "disguise a real model, serve it, ask it, and say whose descendant it is",
        "runners.jobs.demo",
        "kinprint demo out=outputs/demo",
        "demo",
    ),
    "case": Verb(
        "play a dispute through, with the models that it was about (scale=full) or the zoo's analogue (scale=small)",
        "runners.jobs.case",
        "kinprint case experiment=yi_llama scale=small",
        "case",
    ),
    "batch": Verb(
        "put what a batch found on one page: a table, the tree, the outliers",
        "runners.batch.report",
        "kinprint batch report batch=outputs/batch",
        "batch_report",
    ),
    "library": Verb(
        "build, search, merge, sign and share libraries of references",
        "runners.library.command",
        "kinprint library build out=my-library only=[smollm2]",
        "library_build",
        "build",
    ),
    "zoo": Verb(
        "fetch and list real models, and make others whose lineage is known",
        "runners.zoo.command",
        "kinprint zoo derive zoo=smollm2 out=my-zoo",
        "zoo",
        "derive",
    ),
    "bench": Verb("measure what is promised, and say what holds", "runners.bench.command", "kinprint bench capture"),
    "suite": Verb(
        "commit to the secret seed of a fresh suite, check a recording against it, compare two verdicts",
        "runners.suite_command",
        "kinprint suite commit seed=seed.txt",
    ),
    "ls": Verb("list suites and references", "runners.listing", "kinprint ls"),
    "doctor": Verb("say what is there, what is missing and how to get it", "runners.doctor", "kinprint doctor"),
}


class Terminated(KeyboardInterrupt):
    """SIGTERM came: the run ends in order, as with Ctrl-C, and what it has started ends with it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit status: 0 done, 2 a mistake to mend, 130 interrupted, 143 terminated."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help", "help"):
        print(_usage())
        return 0
    name, *rest = words
    if name not in VERBS:
        return _fail(f"there is no verb {name!r}; known are {', '.join(VERBS)} (see 'kinprint --help')")
    verb = VERBS[name]
    helps = verb.configured is None or rest[:1] == [verb.configured]
    if verb.config is not None and helps and any(word in ("-h", "--help") for word in rest):
        print(_help(name, verb))
        return 0
    try:
        with ending_in_order():
            if any(word in FLAGS for word in rest):
                sweep: Callable[[str, list[str]], int] = import_module("runners.batch.command").multirun
                return sweep(name, rest)
            run: Callable[[list[str]], int] = import_module(verb.module).main
            return run(rest)
    except KinprintError as error:
        return _fail(str(error))
    except KeyboardInterrupt as interrupt:
        print("kinprint: interrupted; the same command goes on where it stopped", file=sys.stderr)
        return 143 if isinstance(interrupt, Terminated) else 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _fail(f"{error.filename or 'the system'}: {error.strerror or error}")


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Take SIGTERM for a Ctrl-C while the block runs; a second one does not cut its ending short."""

    def terminate(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _fail(message: str) -> int:
    print(f"kinprint: {' '.join(message.split())}", file=sys.stderr)
    return 2


def _usage() -> str:
    lines = [f"  {name:<10}{verb.summary}" for name, verb in VERBS.items()]
    return "\n".join(
        [
            "kinprint: which base family does a language model descend from? Asked, not opened.",
            "",
            "usage: kinprint VERB [key=value ...]",
            "",
            *lines,
            "",
            "'kinprint VERB --help' shows a verb's settings and an example.",
        ]
    )


def _help(name: str, verb: Verb) -> str:
    configs = Path(import_module("configs").__file__ or "").parent
    groups = sorted(folder.name for folder in configs.iterdir() if folder.is_dir() and any(folder.glob("*.yaml")))
    options = [
        f"  {group}={'|'.join(sorted(path.stem for path in (configs / group).glob('*.yaml')))}" for group in groups
    ]
    return "\n".join(
        [
            f"kinprint {name}: {verb.summary}",
            "",
            f"example: {verb.example}",
            "",
            "settings (override any of them as key=value):",
            "",
            (configs / f"{verb.config}.yaml").read_text("utf-8").rstrip(),
            "",
            "options of the groups:",
            *options,
            *multirun_help(name, configs),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
