"""An untrained LLaVA of two and a half million parameters, and what turns its inputs into numbers.

An eye of CLIP's architecture, a language model of Llama's, and two layers between them (Liu et al. 2023, "Visual
Instruction Tuning", section 4.1, with two layers as in their later work). vLLM serves it on any machine.
"""

from typing import Any

from runners.zoo.lookalikes.vocabulary import END, learned
from runners.zoo.seeing.pictures import SIDE, every_caption

IMAGE = "<image>"
QUESTION = "What is drawn here?"
_PATCH = 8  # pixels; the eye sees 16 of them
_VOCABULARY = 512
_CHAT = (
    "{% for message in messages %}{{ message['role'] }}: "
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'text' %}{{ part['text'] }}{% else %}<image>\n{% endif %}"
    "{% endfor %}{% endif %}{{ '\\n' }}{% endfor %}assistant:"
)


def processor() -> Any:
    """Tokenizer and picture preparation as vLLM and transformers read them: the same for every seed."""
    from transformers import CLIPImageProcessorPil, LlavaProcessor

    tokenizer = learned(_text(), _VOCABULARY, (END, IMAGE), _CHAT)
    square = {"height": SIDE, "width": SIDE}
    pictures = CLIPImageProcessorPil(
        size=square, crop_size=square, do_center_crop=False, image_mean=[0.5] * 3, image_std=[0.5] * 3
    )
    return LlavaProcessor(
        pictures,
        tokenizer,
        patch_size=_PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,  # CLIP's summary, which "default" leaves out again
        image_token=IMAGE,
        chat_template=_CHAT,
    )


def untrained(tokenizer: Any, seed: int) -> Any:
    """The model with random weights from `seed`."""
    import torch
    from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration

    eye = CLIPVisionConfig(
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=4,
        num_attention_heads=4,
        image_size=SIDE,
        patch_size=_PATCH,
        projection_dim=128,
    )
    language = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=192,
        intermediate_size=512,
        num_hidden_layers=4,
        num_attention_heads=6,
        num_key_value_heads=2,
        max_position_embeddings=2048,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=None,
        tie_word_embeddings=False,
    )
    config = LlavaConfig(
        vision_config=eye,
        text_config=language,
        image_token_index=tokenizer.convert_tokens_to_ids(IMAGE),
        image_seq_length=(SIDE // _PATCH) ** 2,
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
        tie_word_embeddings=False,
    )
    torch.manual_seed(seed)
    return LlavaForConditionalGeneration(config).float()


def _text() -> str:
    """What the vocabulary is learned from: all that the models ever read."""
    return "\n".join(f"user: {QUESTION}\nassistant: {caption}" for caption in every_caption())
