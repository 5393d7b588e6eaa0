"""Readers of weights of encoders under test: a tiny vision half of CLIP, and a file of tensors."""

from __future__ import annotations

from pathlib import Path


def networks(folder: Path) -> list[bytes]:
    """A tiny network, with its configuration where a file under test will lie."""
    from avgzsl_bench.encoders.weights.libraries import quiet_transformers, transformers_class

    sizes = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers_class("CLIPVisionConfig")(**sizes, image_size=32, patch_size=16, projection_dim=4)
    network = transformers_class("CLIPVisionModelWithProjection")(config)
    place = folder / "weights"
    with quiet_transformers():
        network.save_pretrained(place)
    return [(place / "model.safetensors").read_bytes()]


def read_network(path: Path) -> object:
    import torch

    from avgzsl_bench.encoders.weights.pretrained import load_network

    cpu = torch.device("cpu")
    return load_network("CLIPVisionModelWithProjection", "clip_vision_model", path.parent, cpu)


def read_tensors(path: Path) -> object:
    from avgzsl_bench.encoders.weights import pickled

    return pickled.read_tensors(path.parent, path.name, "model")
