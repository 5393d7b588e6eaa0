from __future__ import annotations

import pickle

import pytest

from avgzsl_bench.encoders.decoding.damage import picture_loss, sound_loss
from avgzsl_bench.encoders.decoding.unusable import UnusableClip


@pytest.mark.parametrize(
    ("decoded", "shown", "packets", "stated", "text", "is_grave"),
    [
        (164, 164, 164, 164, "", False),
        (100, 100, 100, 0, "", False),  # the container states none
        (301, 301, 331, 331, "", False),  # an edit list hides 30
        (128, 130, 130, 164, "damaged: 128 of 164 frames", True),
        (77, 77, 77, 164, "cut off: 77 of 164 frames", True),
        (76, 77, 77, 164, "cut off: 76 of 164 frames", True),  # the last packet is cut through
        (100, 164, 164, 164, "damaged: 100 of 164 frames", True),
        (200, 301, 331, 331, "damaged: 200 of 301 frames", True),
        (89, 100, 100, 0, "damaged: 89 of 100 frames", True),
        (90, 100, 100, 0, "10 frames do not decode", False),
        (98, 100, 100, 100, "2 frames do not decode", False),
        (99, 100, 100, 100, "1 frame does not decode", False),
        (90, 90, 90, 100, "10 frames do not decode", False),
        (102, 100, 100, 100, "", False),  # more than are promised
    ],
)
def test_loss_of_frames(decoded: int, shown: int, packets: int, stated: int, text: str, is_grave: bool) -> None:
    loss = picture_loss(decoded, shown, packets, stated)
    assert (loss.text, loss.is_grave) == (text, is_grave)


def test_loss_of_sound() -> None:
    assert sound_loss(0, 100).text == ""
    assert sound_loss(1, 100).text == "1 packet of sound does not decode"
    assert sound_loss(10, 100).text == "10 packets of sound do not decode"
    assert sound_loss(11, 100).text == "damaged: 89 of 100 packets of sound"


def test_a_grave_loss_leaves_the_clip_out_unless_it_is_accepted() -> None:
    loss = picture_loss(77, 77, 77, 164)
    with pytest.raises(UnusableClip) as caught:
        loss.notes(accept=False)
    assert caught.value.category == "cut off"
    assert loss.notes(accept=True) == ["cut off: 77 of 164 frames"]


def test_the_reason_can_be_sent_to_another_process() -> None:
    error = pickle.loads(pickle.dumps(UnusableClip("damaged: 128 of 164 frames")))
    assert (error.reason, error.category) == ("damaged: 128 of 164 frames", "damaged")
    assert UnusableClip("no frame").category == "no frame"
