"""What the conversion of a tokenizer from GGUF loses, put back.

Each repair takes the parsed `tokenizer.json` and changes it in place. Without them a converted model reads
other tokens than the original: Gemma babbles without BOS, and numbers or accents are cut in other places.
"""

from collections.abc import Callable
from typing import Any

TokenizerJson = dict[str, Any]


def add_bos(tokenizer: TokenizerJson) -> None:
    """Put `<bos>` before every plain completion; the GGUF says so, its converted tokenizer doesn't."""
    token = "<bos>"
    token_id = next(entry["id"] for entry in tokenizer["added_tokens"] if entry["content"] == token)
    bos = {"SpecialToken": {"id": token, "type_id": 0}}
    first, second = ({"Sequence": {"id": name, "type_id": index}} for index, name in enumerate("AB"))
    tokenizer["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [bos, first],
        "pair": [bos, first, {"SpecialToken": {"id": token, "type_id": 1}}, second],
        "special_tokens": {token: {"id": token, "ids": [token_id], "tokens": [token]}},
    }


def longest_runs_first(tokenizer: TokenizerJson) -> None:
    """Merge runs of spaces, tabs or newlines into the longest token there is, as Gemma's own tokenizer does.

    The conversion has the right merges but lists those of short runs first, so 40 spaces become 16 + 24
    where the original has 31 + 9.
    """
    merges = tokenizer["model"]["merges"]
    blanks = ({"▁"}, {"\t"}, {"\n"})
    runs = [merge for merge in merges if set("".join(merge)) in blanks]
    others = [merge for merge in merges if set("".join(merge)) not in blanks]
    runs.sort(key=lambda merge: (-len("".join(merge)), -len(merge[0])))
    tokenizer["model"]["merges"] = runs + others


def split_digits(tokenizer: TokenizerJson) -> None:
    """Cut numbers into single digits before byte pairs are merged, as SmolLM2's own tokenizer does."""
    tokenizer["pre_tokenizer"] = {
        "type": "Sequence",
        "pretokenizers": [{"type": "Digits", "individual_digits": True}, tokenizer["pre_tokenizer"]],
    }


def normalise_nfc(tokenizer: TokenizerJson) -> None:
    """Compose Unicode (NFC) first, as Qwen's own tokenizer does."""
    tokenizer["normalizer"] = {"type": "NFC"}


REPAIRS: dict[str, Callable[[TokenizerJson], None]] = {
    "add_bos": add_bos,
    "longest_runs_first": longest_runs_first,
    "split_digits": split_digits,
    "normalise_nfc": normalise_nfc,
}
