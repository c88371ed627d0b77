"""`kinprint library pull source=FOLDER out=LIBRARY [key=FILE.pub]`: take a library that somebody published.

What is taken is checked before it stands at `out`: every name, every hash, the signature where a key is given.
"""

import shutil
from pathlib import Path

from analysis.libraries.files import copy_files, files_of
from analysis.libraries.library import INDEX, Library
from analysis.libraries.seal import verify_library
from analysis.report.hostile import visible
from probes.errors import KinprintError, LibraryError
from runners.library.command import given
from runners.library.data_set import DATA, read_data_set
from runners.signing_key import public_key
from runners.standing import LONGEST

HUB = "hub:"


def main(arguments: list[str]) -> int:
    """Pull a plain folder, a data set in a folder, or (source=hub:OWNER/NAME) a data set on the hub."""
    values, _ = given(arguments, {"source": "", "out": "", "key": None})
    out = Path(values["out"])
    if out.exists():
        raise LibraryError(f"{out} is there already; name a new folder")
    partial = out.with_name(out.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        library = _taken(_local(values["source"]), partial)
        key = public_key(Path(values["key"])) if "key" in values else None
        signed = f"signed by {verify_library(library, key).keyid}" if key is not None else "signature not checked"
        partial.rename(out)
    except KinprintError as error:  # it may repeat what a stranger wrote
        raise type(error)(visible(str(error), LONGEST)) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    print(f"{out}\t{visible(library.version, 80)}\t{len(library.members)} members, {signed}")
    return 0


def _taken(source: Path, out: Path) -> Library:
    """The library, copied to `out` and checked: nothing is there that its index does not lead to."""
    if (source / DATA).is_dir():
        read_data_set(source, out)
        library = Library.load(out)
        there = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
        if strange := sorted(there - set(files_of(library))):
            raise LibraryError(f"the data set holds {strange[0]!a}, which belongs to no member")
        return library
    if not (source / INDEX).is_file():
        raise LibraryError(f"there is neither a library nor a data set of one at {source}")
    library = Library.load(source)
    copy_files(library, files_of(library), out)
    return Library.load(out)


def _local(source: str) -> Path:
    """A folder; one of the hub is fetched into its cache first, data files alone."""
    if not source.startswith(HUB):
        return Path(source)
    from huggingface_hub import snapshot_download

    fetched = snapshot_download(source.removeprefix(HUB), repo_type="dataset", allow_patterns=[f"{DATA}/*.parquet"])
    return Path(fetched)
