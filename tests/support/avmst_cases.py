"""The fixture of AVMST, for methods whose networks contain its gate: AVCA's with features of one width."""

from __future__ import annotations

from dataclasses import replace

from paired_cases import fixture_batch
from reference_values import X, fill

from avgzsl_baselines.avmst import AVMSTNet
from avgzsl_bench import Batch, FeatureDims

FIXTURE = FeatureDims(6, 6, {"word2vec": 300})
FORMS = ("released", "repaired")


def batch_of_fixture() -> Batch:
    batch = fixture_batch()
    return replace(batch, visual=X(4, 6, 5), negative=replace(batch.negative, visual=X(4, 6, 19)))


def fill_spiking(net: AVMSTNet) -> None:
    audio, visual = net.audio_spiking, net.visual_spiking
    fill(audio.hidden, audio.output, visual.hidden, visual.output, first=21)
