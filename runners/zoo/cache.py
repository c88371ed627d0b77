"""Where fetched models live on this machine."""

import os
from pathlib import Path

import platformdirs


def cache_directory() -> Path:
    """`$KINPRINT_CACHE`, else kinprint's folder in the user's cache (XDG). It needn't exist yet."""
    override = os.environ.get("KINPRINT_CACHE", "")
    return Path(override).expanduser().absolute() if override else platformdirs.user_cache_path("kinprint")


def model_directory(name: str) -> Path:
    """The folder of one model of the zoo, present or not."""
    return cache_directory() / "models" / name


def is_present(name: str) -> bool:
    """Whether the model was fetched in full: its folder appears only when everything in it is done."""
    return (model_directory(name) / "config.json").is_file()
