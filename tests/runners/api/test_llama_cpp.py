"""What llama.cpp's servers really send, and what is read from it."""

from typing import Any

from runners.api.token_logprobs import positions

# llama-cpp-python 0.3.36, SmolLM2: texts only; `bytes` is null. Special tokens and pieces of characters are "".
COMPLETION: dict[str, Any] = {
    "text": " Paris.",
    "index": 0,
    "logprobs": {
        "text_offset": [24, 30],
        "token_logprobs": [-0.264419287443161, -0.38691410422325134],
        "tokens": [" Paris", "."],
        "top_logprobs": [
            {" Paris": -0.264419287443161, " the": -2.8043324947357178, " London": -4.400745868682861},
            {".": -0.38691410422325134, ",": -1.5976799726486206, "": -4.6},
        ],
    },
    "finish_reason": "length",
}
CHAT: dict[str, Any] = {
    "index": 0,
    "message": {"content": "The", "role": "assistant"},
    "logprobs": {
        "content": [
            {
                "token": "The",
                "logprob": -2.0306801795959473,
                "bytes": None,
                "top_logprobs": [
                    {"token": "The", "logprob": -2.0306801795959473, "bytes": None},
                    {"token": "One", "logprob": -2.084486484527588, "bytes": None},
                    {"token": "", "logprob": -2.615675449371338, "bytes": None},
                ],
            }
        ],
        "refusal": None,
    },
    "finish_reason": "length",
}
# llama.cpp's own llama-server, by its source: the form of chats in completions too, with ids and bytes; the lowest
# float32 stands for minus infinity.
NATIVE: dict[str, Any] = {
    "text": " Paris",
    "index": 0,
    "logprobs": {
        "content": [
            {
                "id": 7042,
                "token": " Paris",
                "bytes": [32, 80, 97, 114, 105, 115],
                "logprob": -0.26,
                "top_logprobs": [
                    {"id": 7042, "token": " Paris", "bytes": [32, 80, 97, 114, 105, 115], "logprob": -0.26},
                    {"id": 9, "token": "", "bytes": [228], "logprob": -2.5},
                    {"id": 2, "token": "", "bytes": [], "logprob": -3.5},
                    {"id": 3, "token": "!", "bytes": [33], "logprob": -3.4028234663852886e38},
                ],
            }
        ]
    },
    "finish_reason": "length",
}


def test_a_completion_is_read_and_an_empty_text_is_not_guessed_at() -> None:
    first, second = positions(COMPLETION)
    assert [one.spelled for one in first.top] == [b" Paris", b" the", b" London"]
    assert [one.spelled for one in second.top] == [b".", b","]
    assert not first.exact_bytes


def test_a_chat_without_bytes_is_read_by_its_texts() -> None:
    [position] = positions(CHAT)
    assert position.spelled == b"The"
    assert [one.spelled for one in position.top] == [b"The", b"One"]
    assert not position.exact_bytes


def test_its_own_server_spells_pieces_of_characters_in_bytes() -> None:
    [position] = positions(NATIVE)
    assert [(one.spelled, one.logprob) for one in position.top] == [(b" Paris", -0.26), (b"\xe4", -2.5), (b"", -3.5)]
    assert position.exact_bytes
