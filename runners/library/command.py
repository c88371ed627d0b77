"""`kinprint library` build, index, merge, sign, verify, publish and pull. Each imports what it needs, and no more."""

from importlib import import_module

from probes.errors import KinprintError

VERBS = {
    "build": ("runners.jobs.library_build", "make, serve, record and reduce references ('build --help')"),
    "index": ("runners.library.index", "make or extend the search index: index path=LIBRARY"),
    "merge": ("runners.library.merge", "put libraries together: merge A B ... out=LIBRARY version=NAME"),
    "sign": ("runners.library.sign", "sign every file: sign path=LIBRARY key=FILE"),
    "verify": ("runners.library.verify", "check the signature and every file: verify path=LIBRARY [key=FILE.pub]"),
    "publish": ("runners.library.publish", "write a plain folder or a data set: publish path=LIBRARY out=FOLDER"),
    "pull": ("runners.library.pull", "take a published library: pull source=FOLDER out=LIBRARY [key=FILE.pub]"),
}
_HELP = """kinprint library: build, search, merge, sign and share libraries of references (docs/scale.md)

example: kinprint library build out=my-library only=[smollm2]
         kinprint library index path=my-library
         kinprint library merge my-library theirs out=both version=both-1
         kinprint library sign path=both key=evidence.key
         kinprint library publish path=both out=for-others form=datasets
         kinprint library pull source=for-others out=pulled key=theirs.pub

sub-verbs ('kinprint library build --help' shows the settings of build):
"""


def main(arguments: list[str]) -> int:
    """The command line's entry."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_HELP + "\n".join(f"  {name:<9}{said}" for name, (_, said) in VERBS.items()))
        return 0
    name, *rest = arguments
    if name not in VERBS:
        raise KinprintError(f"library has no sub-verb {name!r}; known are {', '.join(VERBS)}")
    if any(word in ("-h", "--help") for word in rest):
        print(f"kinprint library {name}: {VERBS[name][1]}")
        return 0
    module = import_module(VERBS[name][0])
    return int(module.main([name, *rest] if name == "build" else rest))


def given(arguments: list[str], allowed: dict[str, str | None]) -> tuple[dict[str, str], list[str]]:
    """Values by key, with defaults ('' where one must be said), and the words without a key.

    Raises KinprintError on a key that is not `allowed`, stands twice or has no value, and on one that must be said.
    """
    pairs = [word.partition("=") for word in arguments if "=" in word]
    keys = [key for key, _, _ in pairs]
    if unknown := [key for key in keys if key not in allowed]:
        raise KinprintError(f"there is no setting {unknown[0]!r} here; known are {', '.join(allowed)}")
    if wrong := [key for key, _, value in pairs if keys.count(key) > 1 or not value]:
        raise KinprintError(f"say {wrong[0]} once, with a value")
    values = {key: default for key, default in allowed.items() if default is not None}
    values |= {key: value for key, _, value in pairs}
    if missing := [key for key, value in allowed.items() if value == "" and not values[key]]:
        raise KinprintError(f"say {missing[0]}=...; 'kinprint library --help' has an example")
    return values, [word for word in arguments if "=" not in word]
