"""A made-up zoo with known truth: families, lookalikes of one recipe, their descendants and students, as signatures."""

from pathlib import Path

from analysis.libraries.library import Library, Member, save_index
from tests.recordings import make_up, write_recording


def members() -> list[Member]:
    """Three bases with descendants, and four seeds of one plan with descendants and a student."""
    found = []
    for base in ("sun", "moon", "star"):
        found.append(Member(base, base, kind="base", lineage=base))
        for technique in ("int4", "lora", "merge"):
            name = f"{base}-{technique}"
            found.append(Member(name, base, base, technique, kind="descendant", lineage=base))
    for seed in range(4):
        name = f"tide-{seed}"
        found.append(Member(name, "tide", kind="lookalike", lineage=name))
        found.append(Member(f"{name}-light", "tide", name, "light", kind="descendant", lineage=name))
    student = Member(
        "tide-student", "tide", technique="teach", kind="student", teacher="tide-0", lineage="tide-student"
    )
    return [*found, student]


def write_zoo(folder: Path, size: int = 24, drift: float = 0.4) -> Library:
    """Recordings of all members at tier logits: a member drifts from what its family answers."""
    everybody = members()
    families = sorted({member.family for member in everybody})
    for number, member in enumerate(everybody):
        made = make_up(families.index(member.family), number + 1, size=size, drift=drift)
        write_recording(folder / member.name, made, sampled=True, name=member.name)
    save_index(folder, "made-up", everybody)
    return Library.load(folder)
