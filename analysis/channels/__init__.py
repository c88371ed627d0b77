"""Channels: one kind of evidence a file. Each file has one `CHANNEL`; a new file is a new channel."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from analysis.channels.interface import Channel


@cache
def all_channels() -> dict[str, Channel]:
    """Every channel by its name, found by looking into this folder."""
    modules = [import_module(f"{__name__}.{entry.name}") for entry in iter_modules(__path__)]
    channels: list[Channel] = [module.CHANNEL for module in modules if hasattr(module, "CHANNEL")]
    return {channel.name: channel for channel in channels}
