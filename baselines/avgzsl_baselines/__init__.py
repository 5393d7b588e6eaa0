"""Baselines of the benchmark: hook implementations only, so that listing the methods imports no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avgzsl_bench import MethodSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Sequence


_AS_ADAPTED = "as the AVCA benchmark (Mercea et al., CVPR 2022) adapted it to audio-visual features"

_AS_REIMPLEMENTED = (
    "as the AVCA benchmark (Mercea et al., CVPR 2022) wrote it anew; with several text encoders a reconstruction "
    "from the ClipClap-GZSL paper"
)


@hookimpl
def avbench_methods() -> Sequence[MethodSpec]:
    """Baselines that papers compare with, and two yardsticks: a closed form and chance."""
    return (
        MethodSpec(
            "devise",
            target="avgzsl_baselines.devise:DeViSE",
            title="DeViSE",
            paper=(
                "Frome, Corrado, Shlens, Bengio, Dean, Ranzato, Mikolov: DeViSE: A Deep Visual-Semantic "
                "Embedding Model, NeurIPS 2013"
            ),
            venue="NeurIPS 2013",
            url="https://papers.nips.cc/paper/2013/hash/7cce53cf90577442771720a370c3c723-Abstract.html",
            follows="published code",
            defaults="avgzsl_baselines:bilinear.toml",
            note=_AS_ADAPTED,
        ),
        MethodSpec(
            "ale",
            target="avgzsl_baselines.ale:ALE",
            title="ALE",
            paper=(
                "Akata, Perronnin, Harchaoui, Schmid: Label-Embedding for Image Classification, IEEE "
                "Transactions on Pattern Analysis and Machine Intelligence 38(7), 1425-1438, 2016"
            ),
            venue="TPAMI 2015",
            url="https://doi.org/10.1109/TPAMI.2015.2487986",
            follows="published code",
            defaults="avgzsl_baselines:bilinear.toml",
            note=_AS_ADAPTED,
        ),
        MethodSpec(
            "sje",
            target="avgzsl_baselines.sje:SJE",
            title="SJE",
            paper=(
                "Akata, Reed, Walter, Lee, Schiele: Evaluation of Output Embeddings for Fine-Grained Image "
                "Classification, CVPR 2015"
            ),
            venue="CVPR 2015",
            url="https://arxiv.org/abs/1409.8403",
            follows="published code",
            defaults="avgzsl_baselines:bilinear.toml",
            note=_AS_ADAPTED,
        ),
        MethodSpec(
            "apn",
            target="avgzsl_baselines.apn:APN",
            title="APN",
            paper=(
                "Xu, Xian, Wang, Schiele, Akata: Attribute Prototype Network for Zero-Shot Learning, "
                "NeurIPS 2020; extended version IJCV 2022"
            ),
            venue="IJCV 2022",
            url="https://arxiv.org/abs/2008.08290",
            follows="published code",
            defaults="avgzsl_baselines:apn.toml",
            note=_AS_ADAPTED,
        ),
        MethodSpec(
            "cjme",
            target="avgzsl_baselines.cjme:CJME",
            title="CJME",
            paper=(
                "Parida, Matiyali, Guha, Sharma: Coordinated Joint Multimodal Embeddings for Generalized "
                "Audio-Visual Zero-shot Classification and Retrieval of Videos, WACV 2020"
            ),
            venue="WACV 2020",
            url="https://arxiv.org/abs/1910.08732",
            follows="published code",
            defaults="avgzsl_baselines:cjme.toml",
            note=_AS_REIMPLEMENTED,
        ),
        MethodSpec(
            "avgzslnet",
            target="avgzsl_baselines.avgzslnet:AVGZSLNet",
            title="AVGZSLNet",
            paper=(
                "Mazumder, Singh, Parida, Namboodiri: AVGZSLNet: Audio-Visual Generalized Zero-Shot Learning by "
                "Reconstructing Label Features from Multi-Modal Embeddings, WACV 2021"
            ),
            venue="WACV 2021",
            url="https://arxiv.org/abs/2005.13402",
            follows="published code",
            defaults="avgzsl_baselines:avgzslnet.toml",
            note=_AS_REIMPLEMENTED,
        ),
        MethodSpec(
            "avca",
            target="avgzsl_baselines.avca:AVCA",
            title="AVCA",
            paper=(
                "Mercea, Riesch, Koepke, Akata: Audio-visual Generalised Zero-shot Learning with Cross-modal "
                "Attention and Language, CVPR 2022"
            ),
            venue="CVPR 2022",
            url="https://arxiv.org/abs/2203.03598",
            follows="published code",
            defaults="avgzsl_baselines:avca.toml",
            note="with several text encoders a reconstruction from the ClipClap-GZSL paper",
        ),
        MethodSpec(
            "clipclap",
            target="avgzsl_baselines.clipclap:ClipClap",
            title="ClipClap-GZSL",
            paper=(
                "Kurzendörfer, Mercea, Koepke, Akata: Audio-Visual Generalized Zero-Shot Learning using "
                "Pre-Trained Large Multi-Modal Models, CVPR Workshops 2024"
            ),
            venue="CVPRW 2024",
            url="https://doi.org/10.1109/CVPRW63382.2024.00269",
            follows="published code",
            defaults="avgzsl_baselines:clipclap.toml",
        ),
        MethodSpec(
            "eszsl",
            target="avgzsl_baselines.eszsl:ESZSL",
            title="ESZSL",
            paper=("Romera-Paredes, Torr: An Embarrassingly Simple Approach to Zero-Shot Learning, ICML 2015"),
            venue="ICML 2015",
            url="https://proceedings.mlr.press/v37/romera-paredes15.html",
            follows="reference",
            defaults="avgzsl_baselines:eszsl.toml",
            note="closed form; an epoch is one pair of regularisation strengths",
        ),
        MethodSpec(
            "chance",
            target="avgzsl_baselines.chance:Chance",
            title="Chance",
            follows="reference",
            note="uniform pseudo-random scores that depend on the seed, the video and the class alone",
        ),
    )
