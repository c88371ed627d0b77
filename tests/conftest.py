"""What the tests of several packages share."""

from pathlib import Path

import pytest
from hypothesis import settings

from analysis.libraries.library import Library, Member, save_index
from probes.recording import folder_name
from tests.recordings import make_up, write_recording

# The same examples everywhere, however slow the machine, and no database of them in the tree.
settings.register_profile("kinprint", deadline=None, derandomize=True, database=None)
settings.load_profile("kinprint")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the proofs in full, marked slow")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked slow, unless asked for: by an option, since `-m` is for the user."""
    slow = [] if config.getoption("--slow") else [item for item in items if item.get_closest_marker("slow")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object | None:
    """Of two processes that run the tests, one takes all that start an engine, which fills cores and memory by itself.

    It begins with these, which take longest. The rest goes by file, so that what a file sets up is set up once.
    """
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    together = "tests/integration/"

    class EnginesTogether(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return together if nodeid.startswith(together) else str(super()._split_scope(nodeid))

        def _assign_work_unit(self, node: object) -> None:
            if together in self.workqueue:
                self.workqueue.move_to_end(together, last=False)
            super()._assign_work_unit(node)

    return EnginesTogether(config, log)


FAMILIES = ("ash", "birch", "cedar")


@pytest.fixture(scope="session")
def made_up_library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Three families of made-up models, a base and three derivatives each, with full logits on 24 canaries."""
    folder = tmp_path_factory.mktemp("library")
    members = []
    for number, family in enumerate(FAMILIES):
        for member, technique in enumerate(("base", "noise", "rounding", "pruning")):
            name = f"{family}-{technique}"
            write_recording(folder / folder_name(name), make_up(number, member), name=name)
            members.append(Member(name, family, None if member == 0 else f"{family}-base", technique))
    save_index(folder, "made-up-1", members)
    return Library.load(folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that does not exist yet."""
    return tmp_path / "recording"
