"""A disguise changes what the model behind is asked and what its answers become, and nothing about the recording."""

from pathlib import Path

import pytest

from probes.canary import Message
from probes.errors import KinprintError
from probes.recording import load_recording
from runners.disguise import Disguised, Wrapper
from tests.recordings import canary
from tests.scripted_backend import SUITE, Scripted, how, run

PASSAGES = ("Ships leave the harbour at eight.", "A list in Python keeps its order.")


def test_text_goes_around_a_prompt_and_around_the_last_turn_of_a_chat() -> None:
    wrapper = Wrapper("Before. ", " After.")
    assert wrapper.around(canary(0, text="Middle")).text == "Before. Middle After."
    chat = canary(1, text=None, messages=(Message("system", "Rules"), Message("user", "Question")))
    wrapped = wrapper.around(chat).messages
    assert wrapped == (Message("system", "Rules"), Message("user", "Before. Question After."))


def test_the_passage_that_shares_most_words_is_looked_up() -> None:
    wrapper = Wrapper("{passage} ", passages=PASSAGES)
    assert wrapper.around(canary(0, text="sort a python list")).text == f"{PASSAGES[1]} sort a python list"
    assert wrapper.around(canary(0, text="no ships today")).text == f"{PASSAGES[0]} no ships today"


@pytest.mark.parametrize("wrapper", [{"prefix": "{passage}"}, {"passages": PASSAGES}])
def test_passages_need_a_place_and_a_place_passages(wrapper: dict[str, object]) -> None:
    with pytest.raises(KinprintError, match=r"needs both: passages, and \{passage\}"):
        Wrapper(**wrapper)  # type: ignore[arg-type]


def test_the_recording_says_what_was_asked_of_the_service_and_how_it_was_disguised(folder: Path) -> None:
    seen: list[str | None] = []
    behind = Scripted(lambda request: seen.append(request.canary.text))
    recording = load_recording(run(Disguised(behind, Wrapper("Say: ")), folder).folder)
    assert [one.text for one in recording.suite.canaries] == [one.text for one in SUITE.canaries]
    assert seen == [f"Say: {one.text}" for one in SUITE.canaries]
    wrapper = {"prefix": "Say: ", "suffix": "", "passages": []}
    assert recording.manifest.sampling["disguise"] == {"wrapper": wrapper}
    assert recording.logits is not None
    assert (behind.started, behind.stopped) == (1, 1)


def test_another_model_rewords_every_draw_after_the_first_has_stopped(folder: Path) -> None:
    behind, asked = Scripted(), []

    def remember(request):  # type: ignore[no-untyped-def]
        assert behind.stopped == 1
        asked.append(request.canary.messages[0].content)

    rewording = Scripted(remember, model="org/reworder")
    recording = run(Disguised(behind, rewording=rewording), folder, how("text"))
    assert sorted(rewording.asked) == sorted(behind.asked)
    assert all("answer c-" in prompt and prompt.startswith("Rewrite") for prompt in asked)
    assert len(recording.answers) == len(behind.asked)
    assert recording.manifest.sampling["disguise"] == {"paraphrase": "org/reworder"}
    assert (behind.stopped, rewording.started, rewording.stopped) == (1, 1, 1)


def test_reworded_answers_show_no_logprobs(folder: Path) -> None:
    backend = Disguised(Scripted(), rewording=Scripted())
    with pytest.raises(KinprintError, match="ask for tier=text, not logits"):
        run(backend, folder, how("logits"))  # type: ignore[arg-type]
