"""Channels: one kind of evidence a file. Each file has one `CHANNEL`; a new file is a new channel."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from analysis.channels.interface import Channel, PairChannel


@cache
def _found() -> dict[str, Channel | PairChannel]:
    """Whatever in this folder has a `CHANNEL`, by its name."""
    modules = [import_module(f"{__name__}.{entry.name}") for entry in iter_modules(__path__)]
    channels: list[Channel | PairChannel] = [module.CHANNEL for module in modules if hasattr(module, "CHANNEL")]
    return {channel.name: channel for channel in channels}


@cache
def all_channels() -> dict[str, Channel]:
    """Every channel that gives similarities by canary, by its name: those that may decide a family."""
    return {name: channel for name, channel in _found().items() if isinstance(channel, Channel)}


@cache
def pair_channels() -> dict[str, PairChannel]:
    """Every channel that gives numbers about recordings as wholes, by its name: those that are only shown."""
    return {name: channel for name, channel in _found().items() if isinstance(channel, PairChannel)}
