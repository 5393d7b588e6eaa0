"""Video files for the fuzz, and how they are decoded; PyAV is imported when they are wanted."""

from __future__ import annotations

from pathlib import Path
from random import Random


def clips(folder: Path) -> list[bytes]:
    """Make clips of about 20 kB in the containers and codecs of the datasets, and in others."""
    from made_clips import Clip, Track, tone, write_clip

    kinds = (
        ("mp4", Clip(codec="libx264", options={"movflags": "faststart"}), "aac"),
        ("avi", Clip(codec="mpeg4"), "mp3"),
        ("mkv", Clip(10, codec="ffv1"), "flac"),
        ("webm", Clip(codec="libvpx"), "libopus"),
        ("ts", Clip(codec="libx264"), "mp2"),
        ("mov", Clip(20, codec="mjpeg", pixels="yuvj420p", rotate=90), "pcm_s16le"),
        ("flv", Clip(codec="flv1"), "mp3"),
        ("wmv", Clip(codec="wmv2"), "mp3"),
        ("mpg", Clip(codec="mpeg1video"), "mp2"),
    )
    made = []
    for ending, clip, codec in kinds:
        rate = 48_000 if codec == "libopus" else 44_100
        clip.sounds = [Track(tone(0.5, rate=rate), rate=rate, codec=codec)]
        made.append(write_clip(folder / f"sample.{ending}", clip).read_bytes())
    return made


def decode(path: Path) -> None:
    """Decode a file as workers do, in each of the ways that they are asked to."""
    from avgzsl_bench.encoders.decoding.clip import decode_clip
    from avgzsl_bench.encoders.decoding.request import ClipRequest
    from avgzsl_bench.encoders.encoder import AudioInput, VisualInput

    visual = VisualInput(32, 32, "bilinear", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    inputs = decode_clip(path, ClipRequest(visual, AudioInput(16_000)))
    assert inputs.frames is not None
    assert inputs.frames.shape == (8, 32, 32, 3)
    assert inputs.sound is not None
    assert all(len(window) for window in inputs.sound)


def lists_of_files(random: Random, canary: Path) -> bytes:
    """Make a file that leads FFmpeg to another one."""
    other = random.choice((str(canary), f"file:{canary}", "/etc/passwd", "http://127.0.0.1:9/a", "../a.mp4"))
    return random.choice(
        (
            f"ffconcat version 1.0\nfile '{other}'\n",
            f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{other}\n#EXT-X-ENDLIST\n",
            f'#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{other}"\n#EXTINF:2,\n{other}\n',
            f'<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period><BaseURL>{other}</BaseURL></Period></MPD>',
            f"[Reference]\nRef1={other}\n",
        )
    ).encode()
