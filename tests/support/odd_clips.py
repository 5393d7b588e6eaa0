"""Odd and hostile clips, made by PyAV or written by hand."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
from av.stream import Disposition
from made_clips import Clip, Track, picture, tone, write_clip

TWO_SECONDS = Track(tone(2.0))
JPEG = Clip(codec="mjpeg", pixels="yuvj420p", sounds=[TWO_SECONDS])
"""Frames that are decoded one by one, so that damage to one is no damage to others."""

UNREADABLE = "unreadable: Invalid data found when processing input"
"""What is said of each of `unreadable`."""


def unreadable(folder: Path) -> dict[str, bytes]:
    """Contents of files that cannot be opened, by name."""
    whole = write_clip(folder / "whole.mp4", Clip(codec="libx264")).read_bytes()
    (folder / "whole.mp4").unlink()
    at = whole.index(b"moov")
    return {
        "empty": b"",
        "text": b"This is not a video.\n",
        "cut": whole[: at - 10],
        "lost": whole[:at] + b"free" + bytes(len(whole) - at - 4),
        "zeros": bytes(10_000),
    }


def write_cover(path: Path) -> Path:
    """Write sound with a cover picture, .mp4."""
    with av.open(str(path), "w") as file:
        cover = file.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 48, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        sound = file.add_stream("aac", rate=48_000, layout="mono")
        frame = av.VideoFrame.from_ndarray(picture(0, Clip()), format="rgb24").reformat(format="yuvj420p")
        file.mux(cover.encode(frame))
        file.mux(cover.encode(None))
        wave = av.AudioFrame.from_ndarray(np.zeros((1, 48_000), np.float32), format="fltp", layout="mono")
        wave.sample_rate = 48_000
        file.mux(sound.encode(wave))
        file.mux(sound.encode(None))
    return path


def hostile(victim: Path, web: str = "http://127.0.0.1:9") -> dict[str, str]:
    """Contents that lead to another file, or to a server, by kind."""
    return {
        "ffconcat": f"ffconcat version 1.0\nfile '{victim.name}'\n",
        "ffconcat absolute": f"ffconcat version 1.0\nfile 'file:{victim}'\n",
        "m3u8": f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{victim}\n#EXT-X-ENDLIST\n",
        "m3u8 of the web": f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{web}/a.ts\n#EXT-X-ENDLIST\n",
        "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=a\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n"
        "a=rtpmap:96 H264/90000\n",
        "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period>'
        f'<AdaptationSet mimeType="video/mp2t"><Representation id="0"><BaseURL>{victim}</BaseURL>'
        "</Representation></AdaptationSet></Period></MPD>",
        "smil": f'<smil><body><video src="{victim}"/></body></smil>',
        "asx": f"[Reference]\nRef1={victim}\n",
    }


@contextmanager
def tripwire(path: Path) -> Iterator[threading.Event]:
    """Make a pipe for the block, and an event that is set when anybody opens it to read."""
    os.mkfifo(path)
    opened = threading.Event()
    done = threading.Event()

    def wait() -> None:
        handle = os.open(path, os.O_WRONLY)  # returns when there is a reader
        if not done.is_set():
            opened.set()
        os.close(handle)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    try:
        yield opened
    finally:
        done.set()
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        thread.join()
        os.close(reader)
