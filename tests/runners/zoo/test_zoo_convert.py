"""The parts of the conversion that need no model: repairs, fallback template."""

import json

import jinja2
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from runners.zoo.convert import add_chat_template, repair_tokenizer
from runners.zoo.models import CATALOGUE
from runners.zoo.tokenizer_repairs import longest_runs_first


@pytest.fixture
def tokenizer_folder(tmp_path):
    """A byte-level tokenizer that knows only bytes, two digits together, and `<bos>`."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: index for index, letter in enumerate([*letters, "12"])}
    tokenizer = Tokenizer(models.BPE(vocabulary, [("1", "2")]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.add_special_tokens(["<bos>"])
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "GemmaTokenizer"}')
    return tmp_path


def tokens_of(folder, text):
    return Tokenizer.from_file(str(folder / "tokenizer.json")).encode(text).tokens


def test_gemma_gets_one_bos(tokenizer_folder):
    assert tokens_of(tokenizer_folder, "a") == ["a"]
    repair_tokenizer(CATALOGUE["gemma3"], tokenizer_folder)
    assert tokens_of(tokenizer_folder, "a") == ["<bos>", "a"]
    settings = json.loads((tokenizer_folder / "tokenizer_config.json").read_text())
    assert settings == {"tokenizer_class": "PreTrainedTokenizerFast", "add_bos_token": True}


def test_gemma_merges_the_longest_run_of_spaces_first():
    short, long = ["▁", "▁"], ["▁▁▁", "▁"]
    tokenizer = {"model": {"merges": [short, ["a", "b"], ["▁▁", "▁"], long, ["▁", "▁▁▁"]]}}
    longest_runs_first(tokenizer)
    assert tokenizer["model"]["merges"] == [long, ["▁", "▁▁▁"], ["▁▁", "▁"], short, ["a", "b"]]


def test_smollm2_reads_digits_one_by_one(tokenizer_folder):
    assert tokens_of(tokenizer_folder, "12") == ["12"]
    repair_tokenizer(CATALOGUE["smollm2"], tokenizer_folder)
    assert tokens_of(tokenizer_folder, "12") == ["1", "2"]


def test_qwen_composes_accents(tokenizer_folder):
    decomposed, composed = "e\u0301", "\u00e9"
    repair_tokenizer(CATALOGUE["qwen2.5-coder"], tokenizer_folder)
    assert tokens_of(tokenizer_folder, decomposed) == tokens_of(tokenizer_folder, composed)


def test_the_fallback_template_is_a_transcript_with_one_bos(tmp_path):
    add_chat_template(CATALOGUE["gemma3"], tmp_path)
    template = jinja2.Template((tmp_path / "chat_template.jinja").read_text(encoding="utf-8"))
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello "},
        {"role": "assistant", "content": "Hi"},
        {"role": "user", "content": "Bye"},
    ]
    text = template.render(messages=messages, bos_token="<bos>", add_generation_prompt=True)
    assert text == "<bos>Be brief.\n\nUser: Hello\nAssistant: Hi\nUser: Bye\nAssistant:"


def test_a_template_of_the_models_own_is_kept(tmp_path):
    (tmp_path / "chat_template.jinja").write_text("own")
    add_chat_template(CATALOGUE["gemma3"], tmp_path)
    assert (tmp_path / "chat_template.jinja").read_text() == "own"
