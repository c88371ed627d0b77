"""What is asked of Slurm for a candidate, and how Ray comes up over nodes; a real Slurm: `make test-slurm`."""

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from probes.errors import KinprintError
from runners.batch import ray_nodes
from runners.batch.job import Job, Outcome, jobs_of
from runners.batch.planning import planned
from runners.batch.run import Run
from runners.batch.settings import LauncherSettings, MultirunSettings
from runners.batch.slurm import OnNode, _alike, request_of


def runs(tmp_path: Path, *words: str) -> list[Run]:
    settings = MultirunSettings(None, None, str(tmp_path), LauncherSettings("slurm"))
    return planned("collect", ["suite=quick", *words], settings)


def requested(tmp_path: Path, *words: str, **launcher: Any) -> dict[str, Any]:
    [job] = jobs_of(runs(tmp_path, *words), tmp_path, 16)
    return request_of(job, LauncherSettings("slurm", **launcher))


def test_the_candidate_says_what_it_takes_before_the_launcher_does(tmp_path: Path) -> None:
    plain = requested(tmp_path, "candidate.model=m")
    assert (plain["nodes"], plain["gpus_per_node"], plain["cpus_per_task"], plain["time"]) == (1, 1, 8, 60)
    assert "partition" not in plain
    own = [f"candidate.resources.{said}" for said in ("cpus=4", "hours=2.5", "memory_gb=96")]
    found = requested(tmp_path, "candidate.model=m", *own, partition="long", memory_gb=10.0)
    assert (found["cpus_per_task"], found["time"], found["mem"], found["partition"]) == (4, 150, "96000MB", "long")
    assert requested(tmp_path, "candidate.model=m", "backend.engine.tensor_parallel_size=4")["gpus_per_node"] == 4
    endpoint = ["backend=openai_api", "backend.base_url=http://127.0.0.1:9/v1"]
    assert "gpus_per_node" not in requested(tmp_path, "candidate.model=m", *endpoint)


def test_two_nodes_share_what_the_engine_is_spread_over(tmp_path: Path) -> None:
    found = requested(tmp_path, "candidate=llama3.1-70b", "backend=two_nodes")
    assert (found["nodes"], found["gpus_per_node"], found["ntasks_per_node"], found["time"]) == (2, 4, 1, 180)
    assert any(word.startswith("--wait=") for word in found["srun_args"])
    spread = ["candidate.model=m", "backend=two_nodes", "candidate.resources.nodes=2"]
    assert requested(tmp_path, *spread)["gpus_per_node"] == 4


def test_suites_and_adapters_of_one_base_go_into_one_job(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "adapter_config.json").write_text(json.dumps({"r": 8}), "utf-8")
        (tmp_path / name / "adapter_model.safetensors").write_bytes(b"")
    (tmp_path / "list.csv").write_text(
        f"model,adapter\nbase,{tmp_path / 'one'}\nbase,{tmp_path / 'two'}\nbase,\nbase,{tmp_path / 'nowhere'}\n",
        "utf-8",
    )
    settings = MultirunSettings(str(tmp_path / "list.csv"), None, str(tmp_path), LauncherSettings("slurm"))
    jobs = jobs_of(planned("collect", ["suite=quick,habits"], settings), tmp_path, 16)
    assert [len(job.runs) for job in jobs] == [4, 2, 1, 1]  # two adapters, the bare base, and what is not there
    assert request_of(jobs[0], LauncherSettings("slurm"))["time"] == 240
    assert [len(job.runs) for job in jobs_of(jobs[0].runs, tmp_path, 3)] == [3, 1]


def test_a_job_takes_no_more_threads_than_it_was_given_processors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str | None] = []
    monkeypatch.setattr("submitit.JobEnvironment", lambda: SimpleNamespace(num_nodes=1))
    monkeypatch.setattr("runners.batch.slurm.do", lambda file: done.append(os.environ.get("OMP_NUM_THREADS")))
    monkeypatch.setenv("OMP_NUM_THREADS", "")  # so that it is put back
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "3")
    OnNode()(str(tmp_path / "job.json"))
    monkeypatch.setenv("OMP_NUM_THREADS", "2")  # a user's own choice stands
    OnNode()(str(tmp_path / "job.json"))
    assert done == ["3", "2"]


def test_a_long_list_is_planned_at_once_and_goes_into_arrays_that_slurm_takes(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("model,name\n" + "".join(f"m,n{n}\n" for n in range(1100)), "utf-8")
    settings = MultirunSettings(str(tmp_path / "list.csv"), None, str(tmp_path), LauncherSettings("slurm"))
    planned_runs = planned("collect", ["suite=quick"], settings)
    assert [run.name for run in planned_runs] == [f"n{n}" for n in range(1100)]
    jobs = jobs_of(planned_runs, tmp_path, 1)
    assert [len(some) for _, some in _alike(jobs, settings.launcher)] == [1000, 100]


def test_a_job_that_was_killed_says_so_of_what_it_did_not_come_to(tmp_path: Path) -> None:
    [job] = jobs_of(runs(tmp_path, "candidate.model=m", "tier=topk,text"), tmp_path / "jobs", 16)
    job.write()
    first, second = job.runs
    told = {first.key: {"status": "done", "seconds": 3.0, "why": ""}}
    job.file.with_suffix(".outcome.json").write_text(json.dumps(told), "utf-8")
    assert job.outcomes("killed") == {first.key: Outcome("done", 3.0), second.key: Outcome("failed", 0.0, "killed")}
    job.write()
    assert {one.why for one in Job(job.runs, job.file).outcomes("killed").values()} == {"killed"}


@pytest.fixture
def ray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program `ray` that writes down its words, and refuses to join until there are two lines."""
    program = tmp_path / "bin" / "ray"
    program.parent.mkdir()
    said = tmp_path / "said"
    program.write_text(
        f'#!/bin/sh\necho "$@" >> {said}\n'
        f'case "$*" in *--address*) [ $(wc -l < {said}) -gt 2 ] || {{ echo "no head" >&2; exit 1; }};; esac\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(ray_nodes, "_AGAIN", 0.01)
    return said


def test_ray_comes_up_and_takes_in_the_other_node(ray: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with ray_nodes.ray_head(20_001):
        assert os.environ["RAY_ADDRESS"] == "127.0.0.1:20001"
        ray_nodes.ray_worker("head", 20_001)
    assert "RAY_ADDRESS" not in os.environ
    words = ray.read_text("utf-8").splitlines()
    assert words[0] == "start --head --port=20001 --disable-usage-stats"
    assert (
        words[1] == words[2] == "start --address=head:20001 --disable-usage-stats --block"
    )  # the first came too early
    assert words[-1] == "stop"


def test_no_ray_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_nodes, "which", lambda program: None)
    monkeypatch.setattr(ray_nodes.time, "sleep", lambda seconds: pytest.fail("waits for what will never come"))
    with pytest.raises(KinprintError, match="needs Ray"):
        ray_nodes.ray_worker("head", 1)
