"""A published net, read and written back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from sounding.architectures import checkpoints


def written_back(folder: Path, other: Path, kind: Any) -> Any:
    """The net in `folder`, read by us, written into `other`, and read whole by transformers as `kind`."""
    config = json.loads((folder / "config.json").read_text())
    other.mkdir()
    (other / "config.json").write_text(json.dumps(config))
    tensors = checkpoints.written(checkpoints.read(folder).model(), config)
    save_file(tensors, other / "model.safetensors", {"format": "pt"})
    again, told = kind.from_pretrained(other, output_loading_info=True)
    assert not told["missing_keys"]
    assert not told["unexpected_keys"]
    return again.eval()
