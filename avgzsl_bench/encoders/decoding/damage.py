"""How much of a stream has to decode, and what is said where it does not."""

from __future__ import annotations

from dataclasses import dataclass

from avgzsl_bench.encoders.decoding.unusable import UnusableClip

SHARE = 0.9
"""Of a stream's packets that have to decode, and of the stated frames that the file has to hold."""


@dataclass(frozen=True)
class Loss:
    """What is missing of a stream.

    Attributes:
        text: for the report; empty: nothing is missing.
        is_grave: whether the clip is left out for it.
    """

    text: str = ""
    is_grave: bool = False

    def notes(self, *, accept: bool) -> list[str]:
        """Give what to note of a clip that is taken.

        Raises:
            UnusableClip: the loss is grave, and such clips are not accepted.
        """
        if self.is_grave and not accept:
            raise UnusableClip(self.text)
        return [self.text] if self.text else []


def picture_loss(decoded: int, shown: int, packets: int, stated: int) -> Loss:
    """Judge the picture.

    Args:
        decoded: number of frames that decode.
        shown: packets that are not to be discarded.
        packets: all of them: with an edit list a file states frames that it does not show.
        stated: frames that the container states; 0 where it does not.
    """
    absent = max(0, stated - packets)
    total = shown + absent
    if decoded < SHARE * shown or packets < SHARE * stated:
        # Of a file that was cut off, all but the last packet decode.
        word = "cut off" if shown - decoded <= 1 and absent else "damaged"
        return Loss(f"{word}: {decoded} of {total} frames", is_grave=True)
    return _minor(total - decoded, "frame", "frames")


def sound_loss(lost: int, shown: int) -> Loss:
    """Judge the sound by its packets, and how many of them are lost."""
    if shown - lost < SHARE * shown:
        return Loss(f"damaged: {shown - lost} of {shown} packets of sound", is_grave=True)
    return _minor(lost, "packet", "packets", " of sound")


def _minor(number: int, one: str, several: str, what: str = "") -> Loss:
    if number < 1:
        return Loss()
    return Loss(f"1 {one}{what} does not decode" if number == 1 else f"{number} {several}{what} do not decode")
