"""Every file in the Hydra tree composes and fits its schema; a new file is covered as soon as it is there."""

import ast
import re
from pathlib import Path

import pytest

import configs
import runners.backends
from analysis.channels import all_channels
from probes.errors import KinprintError
from runners.batch.report import BatchReportSettings
from runners.batch.settings import MultirunSettings
from runners.cases.settings import CaseSettings
from runners.compose import construct, settings_of
from runners.jobs.bundle import BundleSettings
from runners.jobs.demo import DemoSettings
from runners.jobs.descent import DescentSettings
from runners.jobs.evaluate import EvaluateSettings
from runners.jobs.explain import ExplainSettings
from runners.jobs.fit import FitSettings
from runners.jobs.import_recordings import ImportSettings
from runners.jobs.probe import ProbeSettings
from runners.jobs.replicate import ReplicateSettings
from runners.jobs.same import SameSettings
from runners.jobs.tree import TreeSettings
from runners.jobs.watch import WatchSettings
from runners.jobs.weights import WeightsSettings
from runners.library.settings import LibraryBuildSettings
from runners.settings import AttributeSettings, CollectSettings, PlanSettings, ReportSettings
from runners.verbs import VERBS

TREE = Path(configs.__file__ or "").parent
PRIMARY = sorted(path.stem for path in TREE.glob("*.yaml"))
OPTIONS = sorted((path.parent.name, path.stem) for path in TREE.glob("*/*.yaml"))
SCHEMAS: dict[str, type] = {
    "attribute": AttributeSettings,
    "batch_report": BatchReportSettings,
    "bundle": BundleSettings,
    "case": CaseSettings,
    "collect": CollectSettings,
    "demo": DemoSettings,
    "descent": DescentSettings,
    "evaluate": EvaluateSettings,
    "fit": FitSettings,
    "explain": ExplainSettings,
    "import": ImportSettings,
    "library_build": LibraryBuildSettings,
    "multirun": MultirunSettings,
    "plan": PlanSettings,
    "probe": ProbeSettings,
    "replicate": ReplicateSettings,
    "report": ReportSettings,
    "tree": TreeSettings,
    "same": SameSettings,
    "watch": WatchSettings,
    "weights": WeightsSettings,
    "zoo": LibraryBuildSettings,
}
MUST_BE_SAID = {
    "collect": ["candidate.model=zoo:smollm2", "out=x"],
    "attribute": ["recording=r"],
    "batch_report": [],
    "bundle": ["recording=r", "key=k", "out=x"],
    "explain": ["recording=r"],
    "multirun": [],
    "plan": [],
    "probe": ["candidate.model=zoo:smollm2", "out=x"],
    "replicate": ["bundle=b", "candidate.model=m", "out=x"],
    "report": ["recording=r", "out=x"],
    "tree": [],
    "library_build": ["out=x"],
    "case": [],
    "demo": [],
    "descent": ["recording=r", "parent=p"],
    "evaluate": ["recordings=r", "lineage=x.csv", "out=x.json"],
    "fit": ["out=x"],
    "import": ["source=x", "format=jsonl", "out=x"],
    "same": ["a=x", "b=y"],
    "watch": ["candidate.model=m", "backend.base_url=http://127.0.0.1:9/v1", "out=x"],
    "weights": ["a=x", "b=y"],
    "zoo": [],
}


def groups_of(job: str) -> set[str]:
    return set(re.findall(r"^  - (?:override )?(\w+): ", (TREE / f"{job}.yaml").read_text("utf-8"), re.MULTILINE))


def missing_in(group: str, option: str) -> list[str]:
    """What an option leaves for the user to say."""
    text = (TREE / group / f"{option}.yaml").read_text("utf-8")
    values = {"base_url": "http://127.0.0.1:9/v1"}
    return [f"{group}.{key}={values.get(key, 'x')}" for key in re.findall(r"^(\w+): \?\?\?", text, re.MULTILINE)]


def test_every_verb_with_a_config_has_one_and_every_config_a_verb() -> None:
    of_verbs = [verb.config for verb in VERBS.values() if verb.config]
    assert sorted([*of_verbs, "multirun"]) == PRIMARY == sorted(SCHEMAS)  # that one is what -m adds to a verb


@pytest.mark.parametrize("job", PRIMARY)
def test_every_job_composes(job: str) -> None:
    assert isinstance(settings_of(job, SCHEMAS[job], MUST_BE_SAID[job]), SCHEMAS[job])


@pytest.mark.parametrize("job", [job for job in PRIMARY if MUST_BE_SAID[job]])
def test_what_must_be_said_is_asked_for_by_its_name(job: str) -> None:
    for left_out in MUST_BE_SAID[job]:
        others = [override for override in MUST_BE_SAID[job] if override != left_out]
        with pytest.raises(
            KinprintError, match=rf"{job} needs a value for .*{left_out.partition('=')[0].split('.')[-1]}"
        ):
            settings_of(job, SCHEMAS[job], others)


@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_every_option_composes_with_every_job_that_takes_it(group: str, option: str) -> None:
    jobs = [job for job in PRIMARY if group in groups_of(job)]
    assert jobs, f"no job takes {group}={option}"
    for job in jobs:
        said = [override for override in MUST_BE_SAID[job] if not override.startswith(f"{group}.")]
        settings = settings_of(job, SCHEMAS[job], [*said, f"{group}={option}", *missing_in(group, option)])
        if group == "backend":
            construct(settings.backend, model="m", system_prompt=None, chat_template=None)
        if group == "estimator":
            assert set(settings.estimator.channels) <= set(all_channels())


def test_every_backend_has_a_config() -> None:
    """Found by reading the files: importing them would import every engine."""
    backends = {
        f"runners.backends.{path.stem}.{found.name}"
        for path in Path(runners.backends.__path__[0]).glob("*.py")
        for found in ast.parse(path.read_text("utf-8")).body
        if isinstance(found, ast.ClassDef)
        and path.stem != "interface"  # what they all are
        and any(isinstance(method, ast.FunctionDef) and method.name == "ask" for method in found.body)
    }
    targets = {
        target
        for path in TREE.glob("backend/*.yaml")
        for target in re.findall(r"^_target_: (\S+)", path.read_text("utf-8"), re.MULTILINE)
    }
    assert targets == backends


@pytest.mark.parametrize("path", sorted(TREE.rglob("*.yaml")), ids=lambda path: str(path.relative_to(TREE)))
def test_every_file_says_what_it_is_for(path: Path) -> None:
    if path.parent.name != "suite" or "???" in path.read_text("utf-8"):  # suite/core.yaml is its own name
        assert path.read_text("utf-8").startswith("# ")


@pytest.mark.parametrize("part", [option for group, option in OPTIONS if group == "zoo"])
def test_every_part_of_the_zoo_can_be_made(part: str) -> None:
    from runners.zoo.making import Workshop
    from runners.zoo.parentage import completed

    members = completed(settings_of("zoo", LibraryBuildSettings, [f"zoo={part}"]).members)
    workshop = Workshop(members, Path("nowhere"))
    for name in members:
        workshop.check(name)


def test_the_recipes_and_parents_of_the_shipped_library_are_there() -> None:
    from runners.zoo.parentage import completed

    members = completed(settings_of("library_build", LibraryBuildSettings, ["out=x"]).members)
    assert {member.parent for member in members.values() if member.parent} <= set(members)
    derivatives = dict.fromkeys(("smollm2", "gemma3", "qwen2.5"), 0)
    for member in members.values():
        derivatives[member.family] += member.technique != "base"
    assert min(derivatives.values()) >= 3


def test_a_model_over_two_nodes_asks_for_all_of_their_gpus() -> None:
    said = ["candidate=llama3.1-70b", "backend=two_nodes", "out=x"]
    settings = settings_of("collect", CollectSettings, said)
    spread = [settings.backend["engine"][f"{way}_parallel_size"] for way in ("tensor", "pipeline")]
    wanted = settings.candidate.resources
    assert spread == [wanted.gpus, wanted.nodes] == [4, 2]
    assert settings.backend["engine"]["distributed_executor_backend"] == "ray"
