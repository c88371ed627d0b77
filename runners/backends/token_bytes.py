"""How each token of a Hugging Face tokenizer is spelled in bytes."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from probes.errors import CandidateError

_BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")


def spell_vocabulary(tokenizer: Any, vocab_size: int) -> list[bytes]:
    """Bytes of every token id below `vocab_size`; special tokens, and ids that no token has, are empty.

    Byte-level BPE (GPT-2 style) and SentencePiece with byte fallback are spelled exactly, as their decoders do;
    anything else through the tokenizer's own `decode` of a single token.
    """
    spelled = [b""] * vocab_size
    special = set(tokenizer.all_special_ids) | {
        number for number, token in tokenizer.added_tokens_decoder.items() if token.special
    }
    added = set(tokenizer.added_tokens_decoder)
    spell = _speller(tokenizer)
    for token, number in tokenizer.get_vocab().items():
        if number < vocab_size and number not in special:
            spelled[number] = token.encode() if number in added else spell(token)
    return spelled


def tokenizer_bytes(model: str, settings: Mapping[str, Any]) -> list[bytes]:
    """Bytes of every token of a model that somebody else serves, from its files alone.

    `settings` are the engine's: `tokenizer`, `revision` and `trust_remote_code` hold here too. Raises CandidateError if
    there is no tokenizer to be read.
    """
    from transformers import AutoConfig, AutoTokenizer

    options = {key: settings[key] for key in ("revision", "trust_remote_code") if settings.get(key) is not None}
    try:
        size = AutoConfig.from_pretrained(model, **options).get_text_config().vocab_size
        tokenizer = AutoTokenizer.from_pretrained(settings.get("tokenizer") or model, **options)
    except (OSError, ValueError, KeyError) as error:
        raise CandidateError(f"the tokenizer of {model} can't be read: {error}") from error
    return spell_vocabulary(tokenizer, size)


def vocabulary_sha256(token_bytes: Sequence[bytes]) -> str:
    """A hash of the spelled vocabulary: equal for tokenizers that spell every id alike."""
    return hashlib.sha256(json.dumps([token.hex() for token in token_bytes]).encode()).hexdigest()


def _speller(tokenizer: Any) -> Any:
    decoder = _decoder_types(tokenizer)
    if "ByteLevel" in decoder:
        table = {char: byte for byte, char in _gpt2_bytes().items()}
        return lambda token: bytes(table[c] for c in token) if all(c in table for c in token) else token.encode()
    if "ByteFallback" in decoder or "▁" in "".join(list(tokenizer.get_vocab())[:2000]):
        return _spell_sentencepiece
    return lambda token: tokenizer.decode(tokenizer.convert_tokens_to_ids([token])).encode()


def _decoder_types(tokenizer: Any) -> set[str]:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    decoder = json.loads(backend.to_str())["decoder"] if backend is not None else None
    parts = (decoder or {}).get("decoders") or [decoder or {}]
    return {part.get("type", "") for part in parts}


def _spell_sentencepiece(token: str) -> bytes:
    if match := _BYTE_TOKEN.fullmatch(token):
        return bytes([int(match[1], 16)])
    return token.replace("▁", " ").encode()


def _gpt2_bytes() -> dict[int, str]:
    """The printable stand-in for each byte (Radford et al. 2019, the byte-level BPE of GPT-2)."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    table = {byte: chr(byte) for byte in printable}
    for number, byte in enumerate(byte for byte in range(256) if byte not in table):
        table[byte] = chr(256 + number)
    return table
