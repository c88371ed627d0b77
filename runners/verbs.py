"""The verbs of `kinprint`: what each does, where it is, and how it is used."""

from dataclasses import dataclass


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
