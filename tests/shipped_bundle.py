"""Makes the bundle that comes with the project anew: `python -m tests.shipped_bundle` in the repository's root.

To be done when the code of the verdict has changed. It holds the recording of a real model, and of the zoo the bases of
three families and one descendant, to be small. The private key is thrown away: nobody can sign in its name again.
"""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from analysis.attribution.rules import Rules
from analysis.bundle.contents import Asked, gather
from analysis.bundle.seal import seal
from analysis.libraries.library import ZOO, Library
from analysis.verdict import Verdict
from probes.recording import load_recording

ROOT = Path(__file__).resolve().parents[1]
RECORDING = ROOT / "tests" / "data" / "recordings" / "smollm2"
EXAMPLE = ROOT / "docs" / "examples" / "smollm2.kinprint.zip"
KEY = EXAMPLE.with_name("smollm2.pub")
KEPT = ("smollm2", "gemma3", "gemma3-w8", "qwen2.5-coder")
"""Enough to say how alike kin are, and strangers."""


def make(out: Path, public_key: Path) -> Verdict:
    """Write the bundle and the key that signed it."""
    zoo, key = Library.load(ZOO), Ed25519PrivateKey.generate()
    library = replace(zoo, members=tuple(member for member in zoo.members if member.name in KEPT))
    left_out = sorted(member.name for member in zoo.members if member not in library.members)
    asked = Asked(Rules(), library, library, left_out={"families": [], "techniques": [], "names": left_out})
    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder:
        verdict = gather(load_recording(RECORDING), asked, Path(folder))
        seal(Path(folder), key, out)
    public_key.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return verdict


if __name__ == "__main__":
    print(make(EXAMPLE, KEY).in_words())
