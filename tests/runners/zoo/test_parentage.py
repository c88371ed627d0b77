"""What members leave to their parents, and what can't be: found before anything is made."""

import pytest

from probes.errors import LibraryError
from runners.library.settings import MemberSettings
from runners.zoo.parentage import completed, library_member

BASE = MemberSettings(family="oak", model="./oak", licence="MIT", origin="org/oak")


def test_what_is_left_open_comes_from_the_parent_and_the_recipe():
    members = completed(
        {
            "oak-code-int4": MemberSettings(parent="oak-code", recipe="int4", seed=3),
            "oak-code": MemberSettings(parent="oak", recipe="fine_tune", technique="code_tuning", seed=7),
            "oak-persona": MemberSettings(parent="oak", technique="system_prompt", system_prompt="Be brief."),
            "oak-merged": MemberSettings(parents=["oak-code", "oak"], recipe="merge_linear"),
            "oak": BASE,
        }
    )
    made = {name: library_member(name, members) for name in members}
    assert {one.family for one in made.values()} == {"oak"}
    assert {one.licence for one in made.values()} == {"MIT"}
    assert {one.lineage for one in made.values()} == {"oak"}
    assert made["oak"].kind == "base"
    assert made["oak"].seed is None
    quantized = made["oak-code-int4"]
    assert (quantized.kind, quantized.technique, quantized.seed) == ("descendant", "quantization_int4", 3)
    assert made["oak-code"].technique == "code_tuning"
    assert made["oak-persona"].kind == "disguise"
    assert (made["oak-merged"].parent, made["oak-merged"].parents) == ("oak-code", ("oak-code", "oak"))


def test_a_student_begins_a_lineage_of_its_own_and_one_framed_does_not():
    members = completed(
        {
            "oak": BASE,
            "elm": MemberSettings(family="elm", model="./elm"),
            "pupil": MemberSettings(family="pupil", kind="student", teacher="oak", model="./pupil"),
            "framed": MemberSettings(kind="framed", parent="elm", teacher="oak", recipe="fine_tune"),
        }
    )
    pupil, framed = (library_member(name, members) for name in ("pupil", "framed"))
    assert (pupil.lineage, pupil.teacher, pupil.kind) == ("pupil", "oak", "student")
    assert (framed.lineage, framed.teacher, framed.family) == ("elm", "oak", "elm")


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"a": MemberSettings(parent="b"), "b": MemberSettings(parent="a")}, "a descends from itself: a <- b <- a"),
        ({"a": MemberSettings(family="f", parent="gone")}, "a starts from 'gone', which is no member"),
        ({"a": MemberSettings(model="m")}, "a names no family"),
        ({"a": MemberSettings(family="f")}, "neither a model nor a recipe nor a parent"),
        ({"a": MemberSettings(family="f", model="m", recipe="alchemy")}, "'alchemy'; known are round_8_bits"),
        ({"oak": BASE, "a": MemberSettings(parent="oak", recipe="merge_linear")}, "starts from 2 models, not 1"),
        ({"a": MemberSettings(family="f", model="m", kind="cousin")}, "of kind 'cousin'; known are base"),
        ({"a": MemberSettings(family="f", model="m", name="b")}, "the member a calls itself 'b'"),
        ({"a": MemberSettings(family="f", model="m", kind="student", teacher="gone")}, "starts from 'gone'"),
    ],
)
def test_what_cannot_be_made_is_told(members, said):
    with pytest.raises(LibraryError, match=said):
        completed(members)
