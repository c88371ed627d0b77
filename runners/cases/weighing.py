"""The weights of a suspect beside those of the model that it is said to come from, by rates that know neither's kin."""

from pathlib import Path

from analysis.accusation import WeightsFound
from analysis.weights.evidence import WeightEvidence, compare_weights
from analysis.weights.innocent_pairs import PairsFile
from analysis.weights.measures import BY_NAME
from analysis.weights.words import said, shared
from probes.write_whole import write_whole
from runners.cases.held_out import lineage_of_model
from runners.jobs.weights import place_of
from runners.progress import say
from runners.zoo.models import FROM_ZOO

NAME = "weights.json"


def weigh(model: str, other: str, folder: Path) -> WeightsFound | None:
    """Compare, and keep the evidence in `folder`; None where the weights of one side are not on this machine."""
    places = [stored(model), stored(other)]
    if any(place is None for place in places):
        say(f"the weights of {model} and {other} are not both on this machine, so they are not compared")
        return None
    evidence = compare_weights(*(place for place in places if place), PairsFile.load().without(lineage_of_model(model)))
    write_whole(folder / NAME, evidence.to_json())
    say(said(evidence))
    return found_in(evidence)


def stored(model: str) -> Path | None:
    """Where a model's files are: a folder, the zoo's cache (made if need be), or what the hub's client fetched."""
    if model.startswith(FROM_ZOO) or Path(model).exists():
        return place_of(model)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(snapshot_download(model, local_files_only=True))
    except (LocalEntryNotFoundError, ValueError):  # nothing of it was fetched, or its name is no hub id
        return None


def found_in(evidence: WeightEvidence) -> WeightsFound:
    """What a case says of the weights: together, and by the accuser's measure with its rate."""
    profile = evidence.reading("std_profile")
    rate = profile.strangers_of_one_shape if evidence.same_shape else profile.strangers
    return WeightsFound(
        shared=shared(evidence),
        same_architecture=evidence.a.architecture == evidence.b.architecture,
        std_profile=profile.value,
        reached=None if rate is None else rate.reached,
        pairs=None if rate is None else rate.pairs,
        deciding={one.measure: one.value for one in evidence.readings if BY_NAME[one.measure].decides},
    )
