"""vLLM, told to name tokens by their ids: what it really sends, and what is read from it."""

from typing import Any

import pytest

from runners.api.token_logprobs import Token, positions

# vLLM 0.32 with --return-tokens-as-token-ids. In chats, `bytes` of the alternatives spell the made-up name.
COMPLETION = {
    "text": " Paris",
    "logprobs": {
        "tokens": ["token_id:7042"],
        "token_logprobs": [-0.2692539393901825],
        "top_logprobs": [
            {
                "token_id:7042": -0.2692539393901825,
                "token_id:260": -2.706753969192505,
                "token_id:4528": -4.456753730773926,
            }
        ],
    },
}
CHAT = {
    "message": {"role": "assistant", "content": "The"},
    "logprobs": {
        "content": [
            {
                "token": "token_id:504",
                "logprob": -2.1745729446411133,
                "bytes": [84, 104, 101],
                "top_logprobs": [
                    {"token": "token_id:504", "logprob": -2.1745729446411133, "bytes": list(b"token_id:504")},
                    {"token": "token_id:2705", "logprob": -2.2995729446411133, "bytes": list(b"token_id:2705")},
                ],
            }
        ]
    },
}


@pytest.fixture
def vocabulary() -> list[bytes]:
    """8,000 tokens that say nothing, and those that were seen; two are pieces of characters, spelled alike as text."""
    tokens = [b"\xff"] * 8000
    tokens[7042], tokens[260], tokens[4528], tokens[504], tokens[2705] = b" Paris", b"\xc3", b"\xe4", b"The", b"My"
    return tokens


def test_a_completion_is_spelled_by_the_vocabulary(vocabulary: list[bytes]) -> None:
    [position] = positions(COMPLETION, vocabulary)
    assert position.token == Token(b" Paris", 7042)
    assert [(one.spelled, one.id) for one in position.top] == [(b" Paris", 7042), (b"\xc3", 260), (b"\xe4", 4528)]
    assert position.exact_bytes


def test_a_chat_is_spelled_by_the_vocabulary(vocabulary: list[bytes]) -> None:
    [position] = positions(CHAT, vocabulary)
    assert position.token == Token(b"The", 504)
    assert [(one.spelled, one.id) for one in position.top] == [(b"The", 504), (b"My", 2705)]


@pytest.mark.parametrize("choice", [COMPLETION, CHAT])
@pytest.mark.parametrize("known", [0, 100])
def test_an_id_outside_the_vocabulary_is_not_known(choice: dict[str, Any], known: int) -> None:
    [position] = positions(choice, [b"x"] * known)
    assert position.top == ()
    assert position.token.id is None


def test_two_tokens_spelled_alike_are_two() -> None:
    tops = {"token_id:0": -1.0, "token_id:1": -1.0}
    choice = {"logprobs": {"tokens": ["token_id:0"], "token_logprobs": [-1.0], "top_logprobs": [tops]}}
    [position] = positions(choice, [b"", b""])
    assert [(one.spelled, one.id) for one in position.top] == [(b"", 0), (b"", 1)]
