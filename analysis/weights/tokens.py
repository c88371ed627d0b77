"""The tokens of a model as bytes, from its files alone: what tells that two rows of two embeddings mean the same."""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from analysis.weights.plain_file import json_object

_BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")


def tokens_of_folder(folder: Path) -> dict[bytes, int]:
    """Row number by the token's bytes, from `tokenizer.json`; nothing where there is none or its kind is unknown.

    Added tokens (most of them special) are left out: their rows are often the same untrained ones.
    Raises CandidateError on a file that can't be read.
    """
    if not (folder / "tokenizer.json").exists():
        return {}
    file = json_object(folder / "tokenizer.json")
    model = file.get("model")
    vocabulary = model.get("vocab") if isinstance(model, dict) else None
    if isinstance(vocabulary, dict):  # BPE
        pairs = [(token, number) for token, number in vocabulary.items() if isinstance(number, int)]
    elif isinstance(vocabulary, list):  # Unigram: [token, score]
        pairs = [(one[0], number) for number, one in enumerate(vocabulary) if isinstance(one, list) and one]
    else:
        return {}
    added = file.get("added_tokens")
    special = {one.get("id") for one in added if isinstance(one, dict)} if isinstance(added, list) else set()
    spell = spelled_byte_level if "ByteLevel" in _types(file.get("decoder")) else spelled_sentencepiece
    return _numbered(((token, number) for token, number in pairs if number not in special), spell)


def tokens_of_gguf(facts: Mapping[str, Any]) -> dict[bytes, int]:
    """The same from the metadata of a GGUF file; control and user-defined tokens (types 3 and 4) are left out."""
    tokens, types = facts.get("tokenizer.ggml.tokens"), facts.get("tokenizer.ggml.token_type")
    if not isinstance(tokens, list):
        return {}
    kinds = [int(kind) for kind in types] if types is not None and len(types) == len(tokens) else [1] * len(tokens)
    spell = spelled_byte_level if facts.get("tokenizer.ggml.model") == "gpt2" else spelled_sentencepiece
    pairs = ((token, number) for number, token in enumerate(tokens) if kinds[number] not in (3, 4))
    return _numbered(pairs, spell)


def spelled_byte_level(token: str) -> bytes:
    """A token of byte-level BPE, in which every byte has a printable stand-in (Radford et al. 2019)."""
    return bytes(_BYTES[char] for char in token) if all(char in _BYTES for char in token) else _utf8(token)


def spelled_sentencepiece(token: str) -> bytes:
    """A token of SentencePiece (Kudo, Richardson 2018), in which `▁` is a space and `<0x0A>` a byte."""
    if match := _BYTE_TOKEN.fullmatch(token):
        return bytes([int(match[1], 16)])
    return _utf8(token.replace("▁", " "))


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # a file can hold half a pair; it is no reason to fail


def _numbered(pairs: Iterable[tuple[Any, int]], spell: Callable[[str], bytes]) -> dict[bytes, int]:
    found: dict[bytes, int] = {}
    for token, number in pairs:
        if isinstance(token, str) and token and number >= 0:
            spelled = spell(token)
            found[spelled] = max(number, found.get(spelled, 0))  # the first are bytes to fall back on
    return found


def _types(decoder: Any) -> set[str]:
    if not isinstance(decoder, dict):
        return set()
    parts = decoder.get("decoders")
    listed = parts if isinstance(parts, list) else [decoder]
    return {str(part.get("type")) for part in listed if isinstance(part, dict)}


def _stand_ins() -> dict[str, int]:
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    table = {chr(byte): byte for byte in printable}
    return table | {chr(256 + number): byte for number, byte in enumerate(sorted({*range(256)} - {*printable}))}


_BYTES = _stand_ins()
