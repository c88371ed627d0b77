"""Overrides: what the user types arrives as typed, and every mistake ends as one sentence."""

import re
from pathlib import Path
from typing import Any

import pytest

from probes.errors import KinprintError
from runners.backends.transformers import Transformers
from runners.compose import construct, settings_of
from runners.jobs.tree import TreeSettings
from runners.settings import CollectSettings

GOOD = ["candidate.model=m", "out=x"]


@pytest.mark.parametrize(
    ("said", "understood"),
    [
        ("a b", ["a b"]),
        ("it's", ["it's"]),
        ("[]", []),
        ("[a b/${x},c:d]", ["a b/${x}", "c:d"]),
        ("['a,b',c]", ["a,b", "c"]),
    ],
)
def test_several_paths_are_a_list(said: str, understood: list[str]) -> None:
    assert settings_of("tree", TreeSettings, [f"recordings={said}"]).recordings == understood


TARGET = "runners.backends.transformers.Transformers"


def collect_with(*overrides: str) -> CollectSettings:
    return settings_of("collect", CollectSettings, overrides)


@pytest.mark.parametrize(
    "value",
    [
        "plain/path-1.0_x",
        "with space/and  two",
        "a=b",
        "a,b",
        "[a]",
        "a[0]",
        "{a: 1}",
        "a{b}",
        "(x)",
        "it's",
        'say "x"',
        """both ' and \"""",
        "é/中文/🙂",
        "back\\slash",
        "ends\\",
        "ends\\\\",
        "quote\\'d",
        "\\'",
        "$HOME",
        "~/x",
        "#1",
        "a;b&c|d<e>*?!",
        "a: b",
        "glob(x)",
        "choice(1,2)",
        " padded ",
        "line\nbreak",
        "-x",
        "@x",
        "",
        "1.10",
        "1_000",
        "1e3",
        "true",
        "+1",
        "'tis",
        '"x',
        "'",
        "${x}",
        "a${oc.env:PATH}",
        r"a\${x}",
        r"a\\${x}",
        "it's ${x}\\",
    ],
)
def test_paths_and_texts_arrive_as_typed(value: str) -> None:
    settings = collect_with(
        f"out={value}",
        f"candidate.model={value}",
        f"candidate.name={value}",
        f"candidate.system_prompt={value}",
        "suite=file",
        f"suite.path={value}",
    )
    candidate = settings.candidate
    arrived = {settings.out, candidate.model, candidate.name, candidate.system_prompt, settings.suite.path}
    assert arrived == {value}


def test_what_the_user_quoted_for_hydra_is_left_to_hydra() -> None:
    assert collect_with("candidate.model=m", r"out='it\'s, quoted'").out == "it's, quoted"


def test_null_is_still_null() -> None:
    assert collect_with(*GOOD, "candidate=smollm2", "candidate.name=null").candidate.name is None


def test_engine_arguments_pass_as_what_they_are() -> None:
    more = ["+backend.engine.seed=3", "backend.engine.dtype=float32", "+backend.engine.override={a:[1,2.5,true,null]}"]
    engine = collect_with(*GOOD, *more).backend["engine"]
    assert (engine["seed"], engine["dtype"], engine["override"]) == (3, "float32", {"a": [1, 2.5, True, None]})


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["candidat.model=m"], "candidat"),
        (["tier.bogus=1"], r"tier\.bogus"),
        (["+bogus=1"], "bogus"),
        (["candidate=nobody"], "candidate/nobody"),
        (["suite=nothing"], "suite/nothing"),
        (["seed=soon"], "'soon' .*could not be converted to Integer"),
        (["seed=1.5"], "could not be converted to Integer"),
        (["tier.top_k=null"], "Incompatible value 'None'"),
        (["seed=1,2"], "seed=1,2"),
        (["seed=[1"], r"\[1"),
        (["nonsense"], "nonsense"),
        (["--force"], "--force"),
        ([""], "."),
        (["~out"], "out"),
        (["candidate=smollm2,gemma3"], "candidate=smollm2,gemma3"),
        (["candidate=null"], "candidate=null"),
        (["seed=soon"], r"\bseed\b"),
        (["candidate=custom"], r"candidate\.model"),
    ],
)
def test_a_mistake_is_one_sentence(overrides: list[str], said: str) -> None:
    good = ["out=x"] if overrides == ["candidate=custom"] else GOOD
    with pytest.raises(KinprintError, match=said) as told:
        collect_with(*good, *overrides)
    assert "\n" not in str(told.value)
    assert "kinprint collect --help" in str(told.value)


def test_composing_twice_leaves_nothing_behind() -> None:
    assert collect_with(*GOOD, "seed=5").seed == 5
    assert collect_with(*GOOD).seed == 0


def construct_with(**config: Any) -> Any:
    return construct(config, model="m", system_prompt=None, chat_template=None)


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "builtins.eval",
        "subprocess.Popen",
        "runners.backends.transformers",
        f"{TARGET}.__enter__",
        "",
        None,
    ],
)
def test_only_backends_are_constructed(name: str | None, tmp_path: Path) -> None:
    with pytest.raises(KinprintError, match=rf"names _target_ '{name}'; allowed are the backends of runners\.backends"):
        construct({"_target_": name, "command": f"touch {tmp_path / 'x'}"})
    with pytest.raises(KinprintError, match="names _target_ 'None'"):
        construct({})


@pytest.mark.parametrize(
    "engine",
    [
        {"_target_": "os.system", "command": "true"},
        {"deep": {"er": {"_target_": "os.system"}}},
        {"listed": [1, [{"_target_": "os.system"}]]},
        {"_target_": TARGET},
    ],
)
def test_nothing_nested_is_constructed(engine: dict[str, Any]) -> None:
    with pytest.raises(KinprintError, match="nests a _target_ in 'engine'"):
        construct_with(_target_=TARGET, engine=engine)


def test_targets_typed_on_the_command_line_are_refused_as_well() -> None:
    settings = collect_with(*GOOD, "backend._target_=os.getcwd")
    with pytest.raises(KinprintError, match=r"_target_ 'os\.getcwd'"):
        construct(settings.backend)
    settings = collect_with(*GOOD, "+backend.engine.x={_target_:os.getcwd}")
    with pytest.raises(KinprintError, match="nests a _target_"):
        construct(settings.backend)


def test_a_backend_gets_plain_values() -> None:
    made = construct_with(_target_=TARGET, engine={"a": [1, {"b": None}]})
    assert made == Transformers("m", None, None, {"a": [1, {"b": None}]})
    assert type(made.engine) is dict
    assert type(made.engine["a"]) is list


def test_an_argument_that_the_backend_does_not_take_is_told() -> None:
    with pytest.raises(KinprintError, match=r"does not take this configuration: .*batch_size"):
        construct_with(_target_=TARGET, batch_size=3)


@pytest.mark.parametrize("text", ["Say ${x}.", "???"])
def test_a_prompt_goes_to_the_backend_as_it_is(text: str) -> None:
    made = construct({"_target_": TARGET}, model="m", system_prompt=text, chat_template=None)
    assert made.system_prompt == text


def test_what_the_configuration_of_an_api_gives_as_examples_can_be_typed() -> None:
    config = (Path(__file__).parents[2] / "configs" / "backend" / "openai_api.yaml").read_text("utf-8")
    examples = re.findall(r'"(\+backend\.[^"]+)"', config)
    assert len(examples) == 3
    backend = collect_with(*GOOD, "backend=openai_api", "backend.base_url=http://127.0.0.1:9/v1", *examples).backend
    assert backend["headers"] == {"HTTP-Referer": "https://example.org"}
    assert str(backend["query"]["api-version"]) == "2024-10-21"
    assert backend["extra_body"] == {"provider": {"order": ["NAME"], "allow_fallbacks": False}}
