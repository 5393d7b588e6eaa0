"""The encoders that the harness brings: their specs."""

from __future__ import annotations

from avgzsl_bench.plugins.specs import EncoderSpec, WeightsSource

_TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.json", "merges.txt")
_NETWORK = ("config.json", "preprocessor_config.json", "model.safetensors", "pytorch_model.bin")
_UNKNOWN_OVERLAP = (
    "the texts that came with the {} may describe any of the unseen classes; how much they do is not known"
)

ENCODERS = (
    EncoderSpec(
        name="clip",
        target="avgzsl_bench.encoders.builtin.clip:Clip",
        modality="visual",
        widths={"visual": 512, "text": 512},
        title="CLIP ViT-B/32",
        pretraining="400 million pictures with texts from the web",
        overlap=_UNKNOWN_OVERLAP.format("pictures"),
        licence="not stated on the model's card; MIT in its authors' repository",
        cite="Radford et al.: Learning Transferable Visual Models From Natural Language Supervision, ICML 2021",
        weights=WeightsSource(
            repository="openai/clip-vit-base-patch32",
            revision="3d74acf9a28c67741b2f4f2ea7635f0aaf6f0268",
            files=_NETWORK + _TOKENIZER,
            size=605_000_000,
        ),
        needs=("transformers", "huggingface_hub"),
        text="clip",
        text_name="clip",
    ),
    EncoderSpec(
        name="laion_clap",
        target="avgzsl_bench.encoders.builtin.laion_clap:LaionClap",
        modality="audio",
        widths={"audio": 512, "text": 512},
        title="LAION CLAP, HTSAT and RoBERTa, without fusion",
        pretraining="LAION-Audio-630K and other sounds with texts",
        overlap=_UNKNOWN_OVERLAP.format("sounds"),
        licence="MIT",
        cite="Wu et al.: Large-Scale Contrastive Language-Audio Pretraining with Feature Fusion and "
        "Keyword-to-Caption Augmentation, ICASSP 2023",
        weights=WeightsSource(
            repository="laion/clap-htsat-unfused",
            revision="8fa0f1c6d0433df6e97c127f64b2a1d6c0dcda8a",
            files=_NETWORK + _TOKENIZER,
            size=614_000_000,
        ),
        needs=("transformers", "huggingface_hub"),
        text="laion_clap",
        text_name="clap",
    ),
    EncoderSpec(
        name="wavcaps",
        target="avgzsl_bench.encoders.builtin.wavcaps:Wavcaps",
        modality="audio",
        widths={"audio": 1024, "text": 1024},
        title="CLAP of WavCaps, HTSAT and BERT, zero-shot weights",
        pretraining="WavCaps and other sounds with texts",
        overlap=_UNKNOWN_OVERLAP.format("sounds"),
        licence="by its authors: for research, not for commerce",
        cite="Mei et al.: WavCaps: A ChatGPT-Assisted Weakly-Labelled Audio Captioning Dataset for Audio-Language "
        "Multimodal Research, IEEE/ACM TASLP 2024",
        weights=WeightsSource(
            files=("HTSAT_BERT_zero_shot.pt",),
            bring="HTSAT_BERT_zero_shot.pt, which its authors share, and vocab.txt of "
            "google-bert/bert-base-uncased",
        ),
        needs=("transformers", "huggingface_hub"),
        text="wavcaps",
        text_name="clap",
    ),
)
