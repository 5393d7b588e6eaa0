"""Tiny models with random weights, saved as the real ones are: CLIP, LAION's CLAP and the file of WavCaps."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from avgzsl_bench.encoders.builtin.wavcaps import FILE, Wavcaps
from avgzsl_bench.encoders.weights.libraries import quiet_transformers, transformers_class
from avgzsl_bench.plugins.builtin_encoders import ENCODERS
from avgzsl_bench.plugins.specs import EncoderSpec

SPECS = {spec.name: spec for spec in ENCODERS}
WIDTH = 16
TINY_AUDIO: dict[str, Any] = {
    "patch_embeds_hidden_size": 16,
    "depths": [1, 1, 1, 1],
    "num_attention_heads": [2, 2, 2, 2],
    "hidden_size": 128,
    "num_hidden_layers": 4,
    "projection_dim": WIDTH,
}
TINY_TEXT: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "vocab_size": 600,
}


def tiny_spec(name: str, target: str = "") -> EncoderSpec:
    """The spec of a built-in encoder with the width of the tiny model."""
    spec = SPECS[name]
    return replace(spec, widths=dict.fromkeys(spec.widths, WIDTH), target=target or spec.target)


def save_clip(folder: Path, width: int = WIDTH) -> Path:
    vision = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = transformers_class("CLIPConfig")(
        text_config=TINY_TEXT
        | {"bos_token_id": 598, "eos_token_id": 599, "pad_token_id": 599, "projection_dim": width},
        vision_config=vision | {"image_size": 224, "patch_size": 32, "projection_dim": width},
        projection_dim=width,
    )
    letters = _byte_letters()
    vocabulary = {token: i for i, token in enumerate([*letters, *(f"{letter}</w>" for letter in letters)])}
    vocabulary |= {"<|startoftext|>": 598, "<|endoftext|>": 599}
    _save(folder, transformers_class("CLIPModel"), config)
    transformers_class("CLIPTokenizer")(vocab=vocabulary, merges=[]).save_pretrained(folder)
    return folder


def save_clap(folder: Path) -> Path:
    config = transformers_class("ClapConfig")(
        text_config=TINY_TEXT | {"projection_dim": WIDTH, "pad_token_id": 1},
        audio_config=TINY_AUDIO,
        projection_dim=WIDTH,
    )
    tokens = ["<s>", "<pad>", "</s>", "<unk>", *_byte_letters(), "<mask>"]
    _save(folder, transformers_class("ClapModel"), config)
    tokenizer = transformers_class("RobertaTokenizer")
    tokenizer(vocab={token: i for i, token in enumerate(tokens)}, merges=[]).save_pretrained(folder)
    extractor = transformers_class("ClapFeatureExtractor")(truncation="rand_trunc", padding="repeatpad")
    extractor.save_pretrained(folder)
    return folder


class TinyWavcaps(Wavcaps):
    """WavCaps with networks as small as those that `save_wavcaps` makes by default."""

    width = WIDTH
    audio_config = TINY_AUDIO
    text_config = TINY_TEXT


def save_wavcaps(folder: Path, kind: type[Wavcaps] = TinyWavcaps, fill: Callable[..., torch.Tensor] | None = None):
    """Save a file as the authors published theirs, for the networks of a class, and a vocabulary beside it.

    `fill(name, shape)` makes the tensors of floats; by default small random numbers.
    """
    make = fill or standard_tensor
    folder.mkdir(parents=True, exist_ok=True)
    state = {
        name: value if fixed else make(name, tuple(value.shape)) for name, value, fixed in wavcaps_names(kind)
    }
    torch.save({"model": state, "epoch": 3}, folder / FILE)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz.,", "surfing"]
    words += [f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    return folder


def wavcaps_names(kind: type[Wavcaps]) -> Iterator[tuple[str, torch.Tensor, bool]]:
    """List the published names with tensors of their shapes, and whether their values are given by the network.

    They are made here from the networks of transformers, the other way round than `wavcaps_tensors` goes.
    """
    audio = transformers_class("ClapAudioModel")(transformers_class("ClapAudioConfig")(**kind.audio_config))
    text_config = transformers_class("BertConfig")(**kind.text_config)
    with torch.device("meta"):
        text = transformers_class("BertModel")(text_config, add_pooling_layer=False)
    prefix = "audio_encoder.audio_enc."
    words = {
        "batch_norm.": "bn0.",
        "layernorm_before.": "norm1.",
        "layernorm_after.": "norm2.",
        "attention.self.relative": "attn.relative",
        "attention.output.dense.": "attn.proj.",
        "intermediate.dense.": "mlp.fc1.",
        "output.dense.": "mlp.fc2.",
    }
    for name, value in audio.state_dict().items():
        theirs = name.removeprefix("audio_encoder.")
        for ours, published in words.items():
            theirs = theirs.replace(ours, published)
        if ".query." in theirs:
            shape = (3 * value.shape[0], *value.shape[1:])
            yield prefix + theirs.replace("attention.self.query", "attn.qkv"), torch.empty(shape), False
        elif ".key." not in theirs and ".value." not in theirs:
            yield prefix + theirs, value, not value.is_floating_point()
    dropped = ["audio_feats_extractor.0.stft.conv_real.weight", "audio_feats_extractor.0.stft.conv_imag.weight"]
    dropped += ["audio_feats_extractor.1.melW", "tscam_conv.weight", "tscam_conv.bias", "head.weight", "head.bias"]
    masks = {layer: range(1, depth, 2) for layer, depth in enumerate(audio.config.depths[:3])}
    dropped += [f"layers.{layer}.blocks.{block}.attn_mask" for layer, blocks in masks.items() for block in blocks]
    for name in dropped:
        yield prefix + name, torch.zeros(2), True
    for name, value in text.state_dict().items():
        yield f"text_encoder.text_encoder.{name}", value, False
    yield "text_encoder.text_encoder.embeddings.position_ids", torch.arange(4)[None], True
    for projection, inputs in (("audio", audio.config.hidden_size), ("text", text_config.hidden_size)):
        for layer, width in ((0, inputs), (2, kind.width)):
            yield f"{projection}_proj.{layer}.weight", torch.empty(kind.width, width), False
            yield f"{projection}_proj.{layer}.bias", torch.empty(kind.width), False
    yield "temp", torch.tensor(0.07), True


def standard_tensor(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """The numbers that the worked examples of WavCaps are computed with."""
    seed = zlib.crc32(name.encode())
    z = np.random.RandomState(seed).standard_normal(int(np.prod(shape))).reshape(shape)
    last = name.split(".")
    if last[-1] == "running_mean":
        z = -20 + 5 * z
    elif last[-1] == "running_var":
        z = 100 + 20 * np.abs(z)
    elif "norm" in last[-2] or last[-2] == "bn0":
        z = (last[-1] == "weight") + 0.1 * z
    else:
        z = 0.05 * z
    return torch.from_numpy(z.astype(np.float32))


def _save(folder: Path, kind: Any, config: Any) -> None:
    with torch.random.fork_rng(devices=[]), quiet_transformers():
        torch.manual_seed(0)
        kind(config).save_pretrained(folder)


def _byte_letters() -> list[str]:
    """The characters that byte-level tokenizers write bytes as: printable ones as they are, others above 255."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = iter(range(256, 512))
    return [chr(byte if byte in printable else next(others)) for byte in range(256)]
