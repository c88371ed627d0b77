"""The weights of a model folder, tensor by tensor, whatever files they are spread over."""

from pathlib import Path
from typing import TYPE_CHECKING

from probes.errors import KinprintError

if TYPE_CHECKING:
    import torch

INDEX = "model.safetensors.index.json"


class StoredWeights:
    """Reads one tensor at a time. Raises KinprintError where the folder has no weights that can be read."""

    def __init__(self, folder: Path) -> None:
        from safetensors import SafetensorError, safe_open

        self.folder = folder
        self._files: dict[str, Path] = {}
        for path in sorted(folder.glob("*.safetensors")):
            try:
                with safe_open(path, framework="pt") as stored:
                    self._files |= dict.fromkeys(stored.keys(), path)
            except SafetensorError as error:
                raise KinprintError(f"can't read the weights in {path}: {error}") from error
        if not self._files:
            raise KinprintError(f"{folder} is not a model folder: it holds no .safetensors file")

    @property
    def names(self) -> list[str]:
        """The names of all tensors, sorted."""
        return sorted(self._files)

    def __getitem__(self, name: str) -> "torch.Tensor":
        from safetensors import safe_open

        with safe_open(self._files[name], framework="pt") as stored:
            tensor: torch.Tensor = stored.get_tensor(name)
        return tensor

    @property
    def dtype(self) -> "torch.dtype":
        """The dtype of the first tensor, which is that of the others where nothing is quantized."""
        return self[self.names[0]].dtype


def save_weights(tensors: "dict[str, torch.Tensor]", folder: Path) -> None:
    """Write a derivative's weights as one file."""
    from safetensors.torch import save_file

    (folder / INDEX).unlink(missing_ok=True)  # of a source in several files
    save_file(
        {name: tensor.contiguous() for name, tensor in tensors.items()}, folder / "model.safetensors", {"format": "pt"}
    )
