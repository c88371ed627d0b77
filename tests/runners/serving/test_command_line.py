"""Engine arguments become words of a command line."""

from runners.serving.command_line import command_line_arguments


def test_every_kind_of_value() -> None:
    settings = {
        "max_model_len": 2048,
        "enforce_eager": True,
        "enable_prefix_caching": False,
        "revision": None,
        "hf_overrides": {"a": [1]},
        "lora_modules": ["x=y", "z=w"],
        "dtype": "-odd",
    }
    words = ["--max-model-len=2048", "--enforce-eager", "--no-enable-prefix-caching", '--hf-overrides={"a": [1]}']
    assert command_line_arguments(settings) == [*words, "--lora-modules", "x=y", "z=w", "--dtype=-odd"]
