"""`kinprint ls`: the suites and the references at hand, in tab-separated columns. Starts without heavy imports."""

import json
from pathlib import Path

import analysis
import probes
from probes.errors import KinprintError

_HELP = """kinprint ls: list suites and references, tab-separated

example: kinprint ls
         kinprint ls my-library"""


def main(arguments: list[str]) -> int:
    """List the shipped suites, and the references of the shipped library or of the one in a folder."""
    if any(word in ("-h", "--help") for word in arguments):
        print(_HELP)
        return 0
    folder = Path(arguments[0]) if arguments else Path(analysis.__path__[0]) / "references"
    index = folder / "library.json"
    if not index.is_file():
        raise KinprintError(
            f"there is no library at {folder} (no library.json); make one with 'kinprint library build'"
        )
    print("suite", "canaries", "", "", sep="\t")
    for path in sorted((Path(probes.__path__[0]) / "suites").glob("*.jsonl")):
        print(path.stem, len(path.read_bytes().rstrip().split(b"\n")), "", "", sep="\t")
    print("reference", "family", "technique", "parent", sep="\t")
    for member in json.loads(index.read_text("utf-8"))["members"]:
        print(member["name"], member["family"], member["technique"], member["parent"] or "-", sep="\t")
    return 0
