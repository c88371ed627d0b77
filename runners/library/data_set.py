"""A library as a `datasets` repository: one row a file, in Parquet, with a card. It holds no code, and runs none."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from analysis.libraries.files import checked_path, files_of
from analysis.libraries.library import Library
from probes.errors import LibraryError
from probes.write_whole import write_whole

DATA = "data"
_ROWS = 256
"""Files a shard."""
MOST_BYTES = 2**38
"""Of all files of a library that is pulled, together."""
_CARD = """---
configs:
- config_name: default
  data_files: data/*.parquet
---
# A kinprint library of references, version {version}

{members} recordings of models of {families} families. One row a file: `path` in the library's folder, `sha256`,
`content`. `kinprint library pull source=THIS out=FOLDER` puts it together again and checks it. What a recording holds
was written by the model that was recorded; whose licence applies is said member by member in library.json.
"""


def write_data_set(library: Library, out: Path) -> int:
    """Write the repository's folder; returns the number of files in it."""
    from datasets import Dataset

    paths = files_of(library)
    starts = range(0, len(paths), _ROWS)
    (out / DATA).mkdir(parents=True, exist_ok=True)
    for shard, start in enumerate(starts):
        rows = list(_rows(library, paths[start : start + _ROWS]))
        name = f"train-{shard:05d}-of-{len(starts):05d}.parquet"
        Dataset.from_list(rows, features=_features()).to_parquet(out / DATA / name)
    said = {"version": library.version, "members": len(library.members), "families": len(library.families)}
    write_whole(out / "README.md", _CARD.format(**said))
    return len(paths)


def push_data_set(folder: Path, repository: str) -> None:
    """Send a repository's folder to the hub: the only thing that goes out, and only when it is asked for by name."""
    from huggingface_hub import HfApi

    api = HfApi()
    api.create_repo(repository, repo_type="dataset", private=True, exist_ok=True)
    api.upload_folder(folder_path=folder, repo_id=repository, repo_type="dataset")


def read_data_set(source: Path, out: Path) -> None:
    """Write the files of a repository's folder under `out`. Raises LibraryError on a row that no library has."""
    from datasets import load_dataset
    from datasets.exceptions import DatasetGenerationError

    shards = sorted(str(path) for path in (source / DATA).glob("*.parquet"))
    try:
        rows = load_dataset("parquet", data_files=shards, split="train", streaming=True, features=_features())
        written = 0
        for row in rows:
            written += _write(row, out)
            if written > MOST_BYTES:
                raise LibraryError(f"{source} holds more than {MOST_BYTES} bytes")
    except (DatasetGenerationError, ValueError, OSError) as error:
        raise LibraryError(f"{source} can't be read as a data set: {error}") from error


def _rows(library: Library, paths: list[str]) -> Iterator[dict[str, Any]]:
    for path in paths:
        content = (library.folder / path).read_bytes()
        yield {"path": path, "sha256": sha256(content).hexdigest(), "content": content}


def _features() -> Any:
    from datasets import Features, Value

    return Features({"path": Value("string"), "sha256": Value("string"), "content": Value("large_binary")})


def _write(row: dict[str, Any], out: Path) -> int:
    """Write one file under `out`, and nowhere else; returns how many bytes it has."""
    path, content = row["path"], row["content"]
    if not isinstance(path, str) or not isinstance(content, bytes):
        raise LibraryError("the data set has a row without a path or without content")
    target = out / checked_path(path, out)
    if sha256(content).hexdigest() != row["sha256"] or target.exists():
        raise LibraryError(f"the data set holds {path!a} damaged, or twice")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return len(content)
