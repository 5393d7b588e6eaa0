"""The fixture of AVMST, for methods whose networks contain its gate: AVCA's with features of one width."""

from __future__ import annotations

from dataclasses import replace

from paired_cases import FIXTURE_TEXT, fixture_batch
from reference_values import X, fill

from avgzsl_baselines.avca import AVCA
from avgzsl_baselines.avmst import AVMSTNet
from avgzsl_bench import Batch, FeatureDims

FIXTURE = FeatureDims(6, 6, {"word2vec": 300})
FORMS = ("released", "repaired")
TERMS = ("base", "contrast", "reconstruction", "additional", "regularization")


def batch_of_fixture() -> Batch:
    batch = fixture_batch()
    return replace(batch, visual=X(4, 6, 5), negative=replace(batch.negative, visual=X(4, 6, 19)))


def fill_spiking(net: AVMSTNet) -> None:
    audio, visual = net.audio_spiking, net.visual_spiking
    fill(audio.hidden, audio.output, visual.hidden, visual.output, first=21)


def traced(method: AVCA) -> tuple[list[float], list[float], list[float]]:
    """Four updates on the fixture: the terms before the first, the loss before each, embeddings after them.

    These are sums of theta_a, theta_v and theta_w in evaluation mode.
    """
    batch, net = batch_of_fixture(), method.module
    steps = [method.train_step(batch) for _ in range(4)]
    net.eval()
    video = net.embed_videos(batch.audio, batch.visual, [4])[1]
    embedded = [*video.sum(dim=(1, 2)).tolist(), net.embed_texts(FIXTURE_TEXT[:4]).sum().item()]
    return [steps[0][name].item() for name in TERMS], [step["total"].item() for step in steps], embedded
