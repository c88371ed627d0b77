"""The one console command: `kinprint VERB [overrides]`. Starts without Hydra, vLLM, torch or scikit-learn."""

import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from probes.errors import KinprintError
from runners.batch.multirun_help import FLAGS, multirun_help
from runners.ending import Terminated, ending_in_order
from runners.verbs import VERBS, Verb


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
