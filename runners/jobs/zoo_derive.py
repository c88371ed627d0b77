"""`kinprint zoo derive`: make the members of a part of the zoo, record them, and keep what descends from what."""

from runners.jobs.library_build import build


def main(overrides: list[str]) -> int:
    """The command line's entry, without the sub-verb."""
    return build("zoo", ["zoo", "derive"], overrides)
