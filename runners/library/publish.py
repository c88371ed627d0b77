"""`kinprint library publish path=LIBRARY out=FOLDER [form=folder|datasets] [push=OWNER/NAME]`: give a library away."""

from pathlib import Path

from analysis.libraries.files import copy_files, files_of
from analysis.libraries.library import Library
from probes.errors import LibraryError
from runners.library.command import given
from runners.library.data_set import push_data_set, write_data_set

FORMS = ("folder", "datasets")


def main(arguments: list[str]) -> int:
    """Write to a local folder; only `push` sends anything anywhere."""
    values, _ = given(arguments, {"path": "", "out": "", "form": "folder", "push": None})
    library, out, form = Library.load(values["path"]), Path(values["out"]), values["form"]
    if form not in FORMS:
        raise LibraryError(f"form is {form!r}; known are {', '.join(FORMS)}")
    if "push" in values and form != "datasets":
        raise LibraryError("push takes form=datasets, which is the form that the hub has")
    if out.exists() and any(out.iterdir()):
        raise LibraryError(f"{out} is not empty; name a new folder")
    paths = files_of(library)
    if form == "folder":
        copy_files(library, paths, out)
    else:
        write_data_set(library, out)
    if "push" in values:
        push_data_set(out, values["push"])
    print(f"{out}\t{library.version}\t{len(paths)} files as a {'folder' if form == 'folder' else 'data set'}")
    return 0
