"""The tensors of the file that the authors of WavCaps published, by the names that transformers has for them.

Every tensor of the file is accounted for: it belongs to a network, is known to be of no use, or is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from avgzsl_bench.encoders.weights.refusals import explained, refuse_tensors

if TYPE_CHECKING:
    import torch

_AUDIO = r"audio_encoder\.audio_enc\."
_BLOCK = _AUDIO + r"layers\.(\d+)\.blocks\.(\d+)\."
_OURS = r"audio_encoder.layers.\1.blocks.\2."

_UNUSED = re.compile(
    rf"{_AUDIO}(audio_feats_extractor|tscam_conv|head)\..+|{_BLOCK}attn_mask"
    r"|text_encoder\.text_encoder\.embeddings\.position_ids|temp"
)
"""The spectrogram's layers, heads for classes, masks that follow from the sizes, the loss's temperature."""

_QUERY_KEY_VALUE = re.compile(_BLOCK + r"attn\.qkv\.(weight|bias)")

_RENAMED = tuple(
    (re.compile(pattern), part, name)
    for pattern, part, name in (
        (_AUDIO + r"bn0\.(.+)", "audio", r"audio_encoder.batch_norm.\1"),
        (_AUDIO + r"(patch_embed\..+|norm\..+|layers\.\d+\.downsample\..+)", "audio", r"audio_encoder.\1"),
        (_BLOCK + r"norm1\.(.+)", "audio", _OURS + r"layernorm_before.\3"),
        (_BLOCK + r"norm2\.(.+)", "audio", _OURS + r"layernorm_after.\3"),
        (_BLOCK + r"attn\.(relative_position_.+)", "audio", _OURS + r"attention.self.\3"),
        (_BLOCK + r"attn\.proj\.(.+)", "audio", _OURS + r"attention.output.dense.\3"),
        (_BLOCK + r"mlp\.fc1\.(.+)", "audio", _OURS + r"intermediate.dense.\3"),
        (_BLOCK + r"mlp\.fc2\.(.+)", "audio", _OURS + r"output.dense.\3"),
        (r"audio_proj\.(.+)", "audio_projection", r"\1"),
        (r"text_encoder\.text_encoder\.(.+)", "text", r"\1"),
        (r"text_proj\.(.+)", "text_projection", r"\1"),
    )
)


@dataclass(frozen=True)
class WavcapsTensors:
    """Tensors by name, of each network.

    Attributes:
        audio: of `ClapAudioModel`.
        text: of `BertModel` without its pooling layer.
        audio_projection, text_projection: of the two linear layers after each, `0` and `2`.
    """

    audio: dict[str, torch.Tensor] = field(default_factory=dict)
    text: dict[str, torch.Tensor] = field(default_factory=dict)
    audio_projection: dict[str, torch.Tensor] = field(default_factory=dict)
    text_projection: dict[str, torch.Tensor] = field(default_factory=dict)


def sort_tensors(state: Mapping[str, torch.Tensor], what: str) -> WavcapsTensors:
    """Sort the tensors of the published file by network, under the names of transformers.

    Args:
        state: tensors by their published names.
        what: where they come from, for messages.

    Raises:
        DataError: tensors that are not known.
    """
    import torch

    tensors, unknown = WavcapsTensors(), []
    for name, value in state.items():
        if _UNUSED.fullmatch(name):
            continue
        if match := _QUERY_KEY_VALUE.fullmatch(name):
            with explained(f"{what}: tensor {name}"):
                parts = torch.tensor_split(value, 3)
            for part, third in zip(("query", "key", "value"), parts, strict=True):
                tensors.audio[match.expand(_OURS + rf"attention.self.{part}.\3")] = third
            continue
        for pattern, network, ours in _RENAMED:
            if match := pattern.fullmatch(name):
                getattr(tensors, network)[match.expand(ours)] = value
                break
        else:
            unknown.append(name)
    refuse_tensors(what, {"unknown": unknown})
    return tensors
