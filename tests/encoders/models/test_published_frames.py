"""The frames of the recipe `published`, against worked numbers on real clips and on frames of one colour."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from real_clips import clip, frames, scaled_and_cut
from tiny_encoders import save_clip

from avgzsl_bench.encoders.builtin.clip import Clip
from avgzsl_bench.encoders.pixels import pixels_of
from avgzsl_bench.encoders.published import PUBLISHED, blank_pixels, published_frames
from avgzsl_bench.errors import UnknownNameError

CPU = torch.device("cpu")
CLIPS = {
    "v_ApplyEyeMakeup_g01_c01.avi": ("ucf", 82, (138.96, 121.61, 133.96), (1.7990, 1.9998, 2.0321)),
    "v_Archery_g01_c01.avi": ("ucf", 65, (139.59, 124.46, 125.73), (0.3245, 0.0488, 0.1409)),
    "7tMPoaU2oL4_0_10000.mp4": ("vggsound", 149, (92.96, 99.17, 122.44), (0.8209, 0.7542, 1.0652)),
    "NMQiKrTkl10_000039.mp4": ("vggsound", 117, (132.07, 92.61, 63.45), (-0.2156, -0.7166, -0.9541)),
}
PIXELS = {
    "v_ApplyEyeMakeup_g01_c01.avi": -0.3045,
    "v_Archery_g01_c01.avi": 0.1304,
    "7tMPoaU2oL4_0_10000.mp4": -0.1163,
    "v_GGSY1Qvo990.mp4": 0.3608,
    "rotated_90.mp4": -0.5335,
    "tiny_odd_size.mkv": -0.5527,
    "one_frame.mp4": -0.3912,
}


@pytest.mark.parametrize("name", CLIPS)
def test_worked_numbers(shared: Path, name: str) -> None:
    dataset, index, means, pixel = CLIPS[name]
    decoded, stated = frames(clip(shared, name))
    rule = published_frames(dataset)
    assert rule.choose(len(decoded), stated) == index
    seen = rule.recolour(decoded[index])
    assert seen.dtype == np.uint8
    assert seen.mean(axis=(0, 1)) == pytest.approx(means, abs=0.5)
    pixels = pixels_of(scaled_and_cut(seen)[None], Clip.visual_input, CPU)
    assert pixels[0, :, 112, 112].tolist() == pytest.approx(pixel, abs=0.03)


@pytest.mark.parametrize("name", PIXELS)
def test_pixels_of_the_default_recipe(shared: Path, name: str) -> None:
    decoded, _ = frames(clip(shared, name))
    pixels = pixels_of(scaled_and_cut(decoded[len(decoded) // 2])[None], Clip.visual_input, CPU)
    assert pixels.mean().item() == pytest.approx(PIXELS[name], abs=0.005)


def test_ucf_takes_the_middle_of_what_the_container_states() -> None:
    rule = PUBLISHED["ucf"]
    assert rule.choose(164, 164) == 82
    assert rule.choose(100, 164) == 82
    assert rule.choose(82, 164) == "black"
    assert rule.choose(1, 1) == 0
    assert rule.choose(0, 164) == "none"


def test_the_others_take_the_frame_before_the_middle_of_those_decoded() -> None:
    for name in ("vggsound", "activitynet"):
        assert PUBLISHED[name].choose(300, 331) == 149
        assert PUBLISHED[name].choose(2, 2) == 0
        assert PUBLISHED[name].choose(0, 331) == "none"
    assert PUBLISHED["vggsound"].choose(1, 1) == "blank"
    assert PUBLISHED["activitynet"].choose(1, 1) == "none"


def test_colours() -> None:
    frame = np.tile(np.array([0, 1, 255], np.uint8), (2, 3, 1))
    assert PUBLISHED["ucf"].recolour(frame)[0, 0].tolist() == [1, 255, 0]
    assert PUBLISHED["vggsound"].recolour(frame)[1, 2].tolist() == [255, 1, 0]
    assert frame[0, 0].tolist() == [0, 1, 255]


def test_a_black_frame_is_no_negative() -> None:
    assert not PUBLISHED["ucf"].recolour(np.zeros((4, 4, 3), np.uint8)).any()


def test_a_blank_frame_is_zeros_after_normalisation(tmp_path: Path) -> None:
    encoder = Clip(save_clip(tmp_path), CPU)
    pixels = blank_pixels(Clip.visual_input, CPU)
    assert pixels.shape == (1, 3, 224, 224)
    blank = encoder.encode_pixels(pixels)
    mean = [round(255 * value) for value in Clip.visual_input.mean]
    grey = encoder.encode_frames(np.tile(np.array(mean, np.uint8), (1, 224, 224, 1)))
    assert 0.99 < (blank @ grey.T).item() < 1


def test_nothing_is_known_of_other_datasets() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown dataset of the published recipe 'mine'"):
        published_frames("mine")
