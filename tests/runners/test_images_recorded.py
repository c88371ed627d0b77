"""What a recording says of a model that was shown images, and of one that takes none."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from analysis.attribution.attribute import attribute
from analysis.libraries.library import Library, Member
from analysis.signatures.signature import signature
from probes.answer import Answer
from probes.canary import Message
from probes.errors import CandidateError
from probes.manifest import Tier
from probes.suite import Suite, load_suite
from runners.backends.prompting import PromptEncoder
from runners.backends.vllm_batch import Batch
from runners.images import by_reference, chat_turns
from tests.scripted_backend import Hook, Scripted, how, run

PICTURES = Suite("pictures", load_suite("image").canaries[:8])
MIXED = Suite("mixed", (*load_suite("chat").canaries[:2], *PICTURES.canaries[:3]))
WHY = "its architecture, LlamaForCausalLM, reads text alone"


def blind(status: str, error: str = WHY) -> Hook:
    def hook(request):  # type: ignore[no-untyped-def]
        if request.canary.image is None:
            return None
        return Answer(request.canary.id, request.draw, status, error=error, asked_at="2026-01-01T00:00:00Z")  # type: ignore[arg-type]

    return hook


@pytest.mark.parametrize("tier", ["logits", "text"])
def test_a_model_that_takes_none_has_a_recording_that_says_so(
    tmp_path: Path, tier: Tier, capfd: pytest.CaptureFixture[str]
) -> None:
    recording = run(Scripted(blind("takes_no_images")), tmp_path / "run", how(tier), PICTURES)
    queries = len(recording.answers)
    assert recording.manifest.counts == {
        "ok": 0, "empty": 0, "refused": 0, "no_logprobs": 0, "error": 0, "takes_no_images": queries,
    }  # fmt: skip
    assert recording.manifest.access["takes_images"] is False
    assert f"mine takes no images: {WHY}" in capfd.readouterr().err


def test_it_tells_nothing_of_its_family_and_why(tmp_path: Path) -> None:
    for name in ("one", "other"):
        run(Scripted(), tmp_path / name, how("text"), PICTURES, name)
    library = Library(tmp_path, "a test", (Member("one", "first"), Member("other", "second")))
    recording = run(Scripted(blind("takes_no_images")), tmp_path / "run", how("text"), PICTURES)
    verdict = attribute(signature(recording), library)
    assert verdict.decision == "no_signal"
    assert "takes no images" in verdict.reason


def test_one_that_fails_is_an_error_as_ever(tmp_path: Path) -> None:
    with pytest.raises(CandidateError, match="gave no usable answer to 8 queries: HTTP 500"):
        run(Scripted(blind("error", "HTTP 500")), tmp_path / "run", how(), PICTURES)


def test_of_mixed_canaries_the_words_are_answered(tmp_path: Path) -> None:
    scripted = Scripted(blind("takes_no_images"))
    recording = run(scripted, tmp_path / "run", how("topk"), MIXED)
    assert (recording.manifest.counts["ok"], recording.manifest.counts["takes_no_images"]) == (2, 3)
    again = run(scripted, tmp_path / "run", how("topk"), MIXED)
    assert again.manifest == recording.manifest


def test_where_every_try_failed_nothing_is_said_of_images(tmp_path: Path) -> None:
    recording = run(Scripted(blind("error", "HTTP 500")), tmp_path / "run", how("topk"), MIXED)
    assert "takes_images" not in recording.manifest.access
    shown = run(Scripted(), tmp_path / "other", how("topk"), MIXED)
    assert shown.manifest.access["takes_images"] is True
    words = run(Scripted(), tmp_path / "words", how("topk"))
    assert "takes_images" not in words.manifest.access


class Words:
    """A tokenizer of words whose template takes no system turn."""

    chat_template = "unused"

    def __call__(self, text: str, add_special_tokens: bool = True) -> SimpleNamespace:
        return SimpleNamespace(input_ids=text.split())

    def apply_chat_template(self, turns: list[dict[str, str]], **_: object) -> str:
        from jinja2 import TemplateError

        if turns[0]["role"] == "system":
            raise TemplateError("no system turn")
        return " ".join(turn["content"] for turn in turns)


def test_a_batch_is_sorted_into_what_can_be_asked_and_how() -> None:
    encoder = PromptEncoder(Words(), system_prompt="Be brief.")
    batch = Batch.of(MIXED.canaries, encoder, 2048, "")
    assert (list(batch.prompts), list(batch.chats), batch.unasked) == ([0, 1], [2, 3, 4], {})
    image, words = batch.chats[2][-1]["content"]  # type: ignore[misc]
    assert image["image_url"]["url"] == MIXED.canaries[2].image.data_uri  # type: ignore[union-attr]
    assert words["text"].startswith("Be brief.\n\nWhat is drawn")
    blind_one = Batch.of(MIXED.canaries, encoder, 1, WHY)
    assert {row: status for row, (status, _) in blind_one.unasked.items()} == {
        0: "error", 1: "error", 2: "takes_no_images", 3: "takes_no_images", 4: "takes_no_images",
    }  # fmt: skip


def test_only_pictures_are_kept_by_reference() -> None:
    canary = PICTURES.canaries[0]
    assert canary.image is not None
    turns = [{"role": "system", "content": "-"}, {"role": "user", "content": Message("user", "What?").content}]
    body = {"model": "m", "messages": chat_turns(turns, canary)}
    kept = by_reference(body)
    assert kept["messages"][0] == turns[0]
    assert kept["messages"][1]["content"][0]["image_url"] == {"url": f"sha256:{canary.image.sha256}"}
    assert body["messages"][1]["content"][0]["image_url"]["url"].startswith("data:image/png;base64,")
    assert by_reference({"prompt": "data:image/png;base64,AAAA"}) == {"prompt": "data:image/png;base64,AAAA"}
