"""What a server's log says about its end, in one line."""

from pathlib import Path

import pytest

from runners.serving.server_process import last_words

LOG = """INFO 11-22 01:35:17 [api_server.py:100] starting
(EngineCore pid=12) ERROR 11-22 01:35:30 [core.py:900] EngineCore failed to start.
(EngineCore pid=12) ERROR 11-22 01:35:30 [core.py:900] ValueError: No available memory for the cache blocks.
(APIServer pid=10) Traceback (most recent call last):
(APIServer pid=10) RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}
"""


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (LOG, "ValueError: No available memory for the cache blocks."),
        ("RuntimeError: Engine core initialization failed.", "RuntimeError: Engine core initialization failed."),
        (
            "usage: x\napi_server.py: error: unrecognized arguments: --y\n",
            "api_server.py: error: unrecognized arguments: --y",
        ),
        ("", "it said nothing"),
        ("OSError: \x1b]0;owned\x07 gone", "OSError: ]0;owned gone"),
        ("KeyError: " + "x" * 1000, "KeyError: " + "x" * 290),
    ],
)
def test_the_root_cause_comes_first(tmp_path: Path, log: str, said: str) -> None:
    (tmp_path / "log").write_text(log)
    assert last_words(tmp_path / "log") == said
