"""Pages written by hand with parts that a command writes, between marks."""

from pathlib import Path

from probes.errors import KinprintError
from probes.write_whole import write_whole


def put(page: Path, part: str, text: str) -> None:
    """Put a text between the marks of a part of a page. Raises KinprintError where it has none."""
    start, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
    before, begun, rest = page.read_text("utf-8").partition(start)
    _, ended, after = rest.partition(end)
    if not begun or not ended:
        raise KinprintError(f"{page} has no place for {part}: put {start} and {end} where it belongs")
    write_whole(page, f"{before}{start}\n\n{text}\n\n{end}{after}")
