"""What of a text is the answer: fixed rules, tried on what models really say."""

import doctest

import pytest

import analysis.signatures.answer_text
from analysis.signatures.answer_text import visible

PROMPT = "There are two kinds of bakers in this town. The first kind"


def test_the_examples_hold() -> None:
    assert doctest.testmod(analysis.signatures.answer_text).failed == 0


@pytest.mark.parametrize("text", [" Paris.", "\n\n", "", "Sure! Here is a list:", "The <think> tag", "...and so on"])
def test_a_direct_answer_is_left_as_it_is(text: str) -> None:
    assert visible(text, PROMPT) == text


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("<think>\nHm: two?\n</think>\n\nBoth.", "Both."),
        ("<thinking>x</thinking>Both.", "Both."),
        ("<think>broke off", None),
        ("<think></think>", ""),
        ("  <THINK>a</THINK> b", "b"),
    ],
)
def test_thoughts_are_cut(text: str, answer: str | None) -> None:
    assert visible(text) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("rises early.", "rises early."),
        (" rises early.", "rises early."),
        ("Sure! rises early.", "rises early."),
        ("Sure! Here's the continuation:\n\nrises early.", "rises early."),
        ("Certainly, here is the continuation of the text: rises early.", "rises early."),
        ("Here is the continued text:\n\nrises early.", "rises early."),
        ("...rises early.", "rises early."),
        ("… rises early.", "rises early."),
        ("The first kind rises early.", "rises early."),
        (PROMPT + " rises early.", "rises early."),
        ("Sure! Here's the continuation:\n\n" + PROMPT + " rises early.", "rises early."),
        ("Sure! Here is the", None),
        ("Sure!", None),
        (PROMPT, None),
        ("<think>Continue.</think>Sure! rises early.", "rises early."),
        ("okra is what they sell.", "okra is what they sell."),
        ("surely rises early.", "surely rises early."),
        ("first of all rises early", "first of all rises early"),
    ],
)
def test_wrappers_of_a_continuation_asked_in_chat_are_cut(text: str, answer: str | None) -> None:
    assert visible(text, PROMPT, continued=True) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ('{"answer": "Paris"}', 'Paris"}'),
        ('```json\n{\n  "response": "Paris"', 'Paris"'),
        ("{'answer': 42}", "42}"),
        ('{"answer":', ""),
        ('{"capital": "Paris"}', '{"capital": "Paris"}'),  # an object that was asked for, as likely as not
        ('The field "answer": Paris', 'The field "answer": Paris'),
    ],
)
def test_the_frame_of_an_answer_in_json_is_cut(text: str, answer: str) -> None:
    assert visible(text) == answer


def test_plain_text_that_goes_on_as_json_is_left_alone() -> None:
    assert visible('{"answer": "Paris"}', "The reply was:") == '{"answer": "Paris"}'
