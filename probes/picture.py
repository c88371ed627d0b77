"""An image as a canary carries it: the very bytes of a PNG file, as they are sent.

The bytes are kept, and not how they were drawn: whoever asks a suite sends what its hash says, whatever library drew
the picture once, and however a newer one would compress it.
"""

import hashlib
import io
from base64 import b64decode, b64encode
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from probes.errors import SuiteError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
MOST_BYTES = 1 << 20
MOST_PIXELS = 1 << 22


@dataclass(frozen=True)
class Picture:
    """The bytes of a PNG file. Raises SuiteError for what is none, or is too large for a canary."""

    png: bytes

    def __post_init__(self) -> None:
        if not self.png.startswith(_SIGNATURE) or self.png[12:16] != b"IHDR":
            raise SuiteError("a canary's image must be a PNG file")
        if len(self.png) > MOST_BYTES or not 0 < self.width * self.height <= MOST_PIXELS:
            raise SuiteError(
                f"a canary's image may have {MOST_BYTES} bytes and {MOST_PIXELS} pixels; one has {len(self.png)} bytes "
                f"and {self.width} x {self.height} pixels"
            )

    @classmethod
    def of_base64(cls, text: str, canary: str) -> Self:
        """From its spelling in a suite's file. Raises SuiteError naming the canary."""
        try:
            return cls(b64decode(text, validate=True))
        except ValueError as error:
            raise SuiteError(f"canary {canary!r} has an image that is not base64: {error}") from error
        except SuiteError as error:
            raise SuiteError(f"canary {canary!r}: {error}") from error

    @classmethod
    def of_pixels(cls, pixels: "npt.NDArray[np.uint8]") -> Self:
        """Of pixels [height, width, 3], compressed as well as Pillow can."""
        from PIL import Image

        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG", optimize=True)
        return cls(file.getvalue())

    def pixels(self) -> "npt.NDArray[np.uint8]":
        """The pixels [height, width, 3]. Raises SuiteError if the file is damaged."""
        import numpy as np

        return np.asarray(self.opened())

    def opened(self) -> Any:
        """The picture as Pillow has it, in red, green and blue. Raises SuiteError if the file is damaged."""
        from PIL import Image, UnidentifiedImageError

        try:
            return Image.open(io.BytesIO(self.png), formats=["PNG"]).convert("RGB")
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
            raise SuiteError(f"a canary's image can't be read: {error}") from error

    @property
    def width(self) -> int:
        """In pixels, as the file says."""
        return int.from_bytes(self.png[16:20], "big")

    @property
    def height(self) -> int:
        """In pixels, as the file says."""
        return int.from_bytes(self.png[20:24], "big")

    @cached_property
    def sha256(self) -> str:
        """Of the file's bytes."""
        return hashlib.sha256(self.png).hexdigest()

    @property
    def base64(self) -> str:
        """The bytes as a suite's file spells them."""
        return b64encode(self.png).decode()

    @property
    def data_uri(self) -> str:
        """The bytes as chats take them."""
        return f"data:image/png;base64,{self.base64}"
