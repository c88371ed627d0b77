"""`kinprint suite ACTION`: commit to a secret seed, check a recording against it, compare two verdicts."""

from collections.abc import Callable, Mapping
from pathlib import Path

from probes.errors import KinprintError, SuiteError

_HELP = """kinprint suite: fresh suites, drawn from a secret seed that is committed to before anything is asked

example: kinprint suite commit seed=seed.txt
         kinprint collect suite=fresh suite.seed=seed.txt candidate.model=./my-model out=runs/fresh
         kinprint suite check recording=runs/fresh seed=seed.txt
         kinprint suite compare public=public/verdict.json fresh=fresh/verdict.json

  commit   seed=FILE [size=256]        print the commitment, which can be published; makes FILE where there is none
  check    recording=DIR seed=FILE     whether a recording was asked what the revealed seed draws
  compare  public=FILE fresh=FILE      whether two verdicts agree: one on known canaries, one on fresh ones"""


def main(arguments: list[str]) -> int:
    """Run one action. Returns 0 if it was done, whatever it found; raises KinprintError on a mistake."""
    if not arguments or any(word in ("-h", "--help") for word in arguments):
        print(_HELP)
        return 0
    action, *rest = arguments
    if action not in _ACTIONS:
        raise KinprintError(f"suite has no action {action!r}; known are {', '.join(_ACTIONS)}")
    run, needed, more = _ACTIONS[action]
    print(run(_given(action, rest, needed, more)))
    return 0


def _given(action: str, words: list[str], needed: tuple[str, ...], more: tuple[str, ...]) -> Mapping[str, str]:
    given = dict(word.split("=", 1) for word in words if "=" in word)
    if wrong := [word for word in words if word.partition("=")[0] not in needed + more or "=" not in word]:
        raise KinprintError(f"suite {action} takes {', '.join(f'{key}=' for key in needed + more)}, not {wrong[0]!r}")
    if missing := [key for key in needed if not given.get(key)]:
        raise KinprintError(f"suite {action} needs {missing[0]}=...; see 'kinprint suite --help'")
    return given


def _commit(given: Mapping[str, str]) -> str:
    from probes.fresh import SIZE, commitment
    from runners.secret_seed import secret_seed

    size = given.get("size", str(SIZE))
    if not size.isdecimal():
        raise SuiteError(f"size must be a number of canaries; it is {size!r}")
    return commitment(secret_seed(given["seed"]), int(size))


def _check(given: Mapping[str, str]) -> str:
    from probes.fresh import fresh_suite
    from probes.recording import load_recording
    from runners.secret_seed import revealed_seed

    manifest = load_recording(given["recording"]).manifest
    committed, size = manifest.suite.get("commitment"), manifest.suite.get("size", "")
    if committed is None or not size.isdecimal():
        raise SuiteError(f"{given['recording']} was asked suite {manifest.suite['name']!r}, which was not drawn afresh")
    suite = fresh_suite(revealed_seed(given["seed"]), int(size))
    if (suite.drawn["commitment"], suite.sha256) != (committed, manifest.suite["sha256"]):
        raise SuiteError(
            f"the seed in {given['seed']} does not draw what {given['recording']} was asked; it is another seed, "
            "or another version of kinprint drew the suite"
        )
    return f"{given['recording']} was asked what the seed in {given['seed']} draws, committed to as {committed}"


def _compare(given: Mapping[str, str]) -> str:
    from analysis.attribution.agreement import agreement
    from analysis.verdict import Verdict

    verdicts = []
    for key in ("public", "fresh"):
        try:
            verdicts.append(Verdict.load(Path(given[key])))
        except (ValueError, KeyError, TypeError) as error:
            raise KinprintError(f"{given[key]} is no verdict ({error}); name a verdict.json") from error
    found = agreement(*verdicts)
    return f"{found.outcome}\n{found.reason}"


_Action = Callable[[Mapping[str, str]], str]
_ACTIONS: dict[str, tuple[_Action, tuple[str, ...], tuple[str, ...]]] = {
    "commit": (_commit, ("seed",), ("size",)),
    "check": (_check, ("recording", "seed"), ()),
    "compare": (_compare, ("public", "fresh"), ()),
}
