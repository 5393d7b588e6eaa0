"""Baselines of the benchmark: hook implementations only, so that listing the methods imports no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avgzsl_bench import MethodSpec, Needs, hookimpl

if TYPE_CHECKING:
    from collections.abc import Sequence


_AS_ADAPTED = "as the AVCA benchmark (Mercea et al., CVPR 2022) adapted it to audio-visual features"

_AS_REIMPLEMENTED = (
    "as the AVCA benchmark (Mercea et al., CVPR 2022) wrote it anew; with several text encoders a reconstruction "
    "from the ClipClap-GZSL paper"
)


_HYPER_PAPER = "Hong, Hayder, Han, Fang, Harandi, Petersson: Hyperbolic Audio-visual Zero-shot Learning, ICCV 2023"

_HYPER_NOTE = (
    "expect AVCA's figures: as published the curvature has no effect and the added loss is too small to matter, "
    "so compare with AVCA at the same seeds; with several text encoders a reconstruction from the ClipClap-GZSL "
    "paper"
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
            parameters=2_359_296,
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
            parameters=2_359_296,
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
            parameters=2_359_296,
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
            parameters=4_718_592,
        ),
        MethodSpec(
            "fvaegan",
            target="avgzsl_baselines.fvaegan:FVAEGAN",
            title="f-VAEGAN-D2",
            paper=(
                "Xian, Sharma, Schiele, Akata: f-VAEGAN-D2: A Feature Generating Framework for Any-Shot "
                "Learning, CVPR 2019"
            ),
            venue="CVPR 2019",
            url="https://arxiv.org/abs/1903.10132",
            follows="published code",
            defaults="avgzsl_baselines:fvaegan.toml",
            note=(
                f"{_AS_ADAPTED}; an epoch is one of the classifier, and epochs are chosen on validation videos, "
                "not on test"
            ),
            parameters=5_192_358,
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
            parameters=2_286_681,
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
            parameters=2_305_860,
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
            parameters=2_416_352,
        ),
        MethodSpec(
            "tcaf",
            target="avgzsl_baselines.tcaf:TCAF",
            title="TCAF",
            paper=(
                "Mercea, Hummel, Koepke, Akata: Temporal and cross-modal attention for audio-visual zero-shot "
                "learning, ECCV 2022"
            ),
            venue="ECCV 2022",
            url="https://doi.org/10.1007/978-3-031-20044-1_28",
            follows="published code",
            needs=Needs(sequences="used"),
            defaults="avgzsl_baselines:tcaf.toml",
            note=(
                "made for sequences; with visual_norm=feature, features of one vector a video are read as "
                "sequences of one step, which is our extension"
            ),
            parameters=6_692_172,
        ),
        MethodSpec(
            "stft",
            target="avgzsl_baselines.stft:STFT",
            title="STFT",
            paper=(
                "Li, Wang, Xiong, Fan: Spiking Tucker Fusion Transformer for Audio-Visual Zero-Shot Learning, "
                "IEEE Transactions on Image Processing 33, 4840-4852, 2024"
            ),
            venue="TIP 2024",
            url="https://arxiv.org/abs/2407.08130",
            follows="reconstruction",
            needs=Needs(sequences="used"),
            defaults="avgzsl_baselines:stft.toml",
            note=(
                "no program is public and gaps were filled, so its figures replicate nobody's; averaged features "
                "are a constant input, on which the spiking path carries no time and is only a second non-linear "
                "view"
            ),
            parameters=8_751_459,
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
            parameters=2_237_824,
        ),
        MethodSpec(
            "avfs",
            target="avgzsl_baselines.avfs:AVFS",
            title="AVFS",
            paper=(
                "Zheng, Hong, Farazi: A Generative Approach to Audio-Visual Generalized Zero-Shot Learning: "
                "Combining Contrastive and Discriminative Techniques, IJCNN 2023"
            ),
            venue="IJCNN 2023",
            url="https://doi.org/10.1109/IJCNN54540.2023.10191705",
            follows="reconstruction",
            defaults="avgzsl_baselines:avfs.toml",
            note=(
                "no program was published; all but the title's idea is our reading, a conditional Wasserstein GAN "
                "with a contrastive and a discriminative objective"
            ),
            parameters=7_980_161,
        ),
        MethodSpec(
            "hyper_multiple",
            target="avgzsl_baselines.hyper:HyperMultiple",
            title="Hyper-multiple",
            paper=_HYPER_PAPER,
            venue="ICCV 2023",
            url="https://arxiv.org/abs/2308.12558",
            follows="published code",
            defaults=("avgzsl_baselines:avca.toml", "avgzsl_baselines:hyper_multiple.toml"),
            note=_HYPER_NOTE,
            parameters=2_417_554,
        ),
        MethodSpec(
            "hyper_single",
            target="avgzsl_baselines.hyper:HyperSingle",
            title="Hyper-single",
            paper=_HYPER_PAPER,
            venue="ICCV 2023",
            url="https://arxiv.org/abs/2308.12558",
            follows="published code",
            defaults=("avgzsl_baselines:avca.toml", "avgzsl_baselines:hyper_single.toml"),
            note=_HYPER_NOTE,
            parameters=2_416_953,
        ),
        MethodSpec(
            "hyper_alignment",
            target="avgzsl_baselines.hyper:HyperAlignment",
            title="Hyper-alignment",
            paper=_HYPER_PAPER,
            venue="ICCV 2023",
            url="https://arxiv.org/abs/2308.12558",
            follows="published code",
            defaults=("avgzsl_baselines:avca.toml", "avgzsl_baselines:hyper_alignment.toml"),
            note=_HYPER_NOTE,
            parameters=2_416_352,
        ),
        MethodSpec(
            "hyper_poincare",
            target="avgzsl_baselines.hyper:HyperPoincare",
            title="hyper-poincare",
            follows="reference",
            defaults=(
                "avgzsl_baselines:avca.toml",
                "avgzsl_baselines:hyper_single.toml",
                "avgzsl_baselines:hyper_poincare.toml",
            ),
            note="ours and not Hyper: Hyper-single with distances in the Poincaré ball, on which curvature acts",
            parameters=2_416_953,
        ),
        MethodSpec(
            "avmst",
            target="avgzsl_baselines.avmst:AVMST",
            title="AVMST",
            paper=(
                "Li, Ma, Deng, Man, Fan: Modality-Fusion Spiking Transformer Network for Audio-Visual Zero-Shot "
                "Learning, ICME 2023"
            ),
            venue="ICME 2023",
            url="https://doi.org/10.1109/ICME55011.2023.00080",
            follows="published code",
            defaults=("avgzsl_baselines:avca.toml", "avgzsl_baselines:avmst.toml"),
            note=(
                "the published model with its spiking networks repaired; fidelity=released is the program as it "
                "stands, which needs audio and visual features of one width; its training script is not public "
                "and is taken to be AVCA's; with several text encoders a reconstruction from the ClipClap-GZSL "
                "paper"
            ),
            parameters=3_511_608,
        ),
        MethodSpec(
            "kda",
            target="avgzsl_baselines.kda:KDA",
            title="KDA",
            paper=(
                "Chen, Li, Hong, Huang, Xu, Gu, Lan, Zhu, Wang: Boosting Audio-visual Zero-shot Learning with "
                "Large Language Models, arXiv 2311.12268v2"
            ),
            venue="arXiv 2023",
            url="https://arxiv.org/abs/2311.12268",
            follows="published code",
            needs=Needs(added_text=("knowledge",)),
            defaults="avgzsl_baselines:kda.toml",
            note=(
                "reads vectors of class descriptions that the user supplies; by default with the paper's "
                "classification loss, which the published program has switched off"
            ),
            parameters=4_105_793,
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
            parameters=2_359_296,
        ),
        MethodSpec(
            "chance",
            target="avgzsl_baselines.chance:Chance",
            title="Chance",
            follows="reference",
            note="uniform pseudo-random scores that depend on the seed, the video and the class alone",
            parameters=0,
        ),
    )
