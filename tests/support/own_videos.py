"""A folder of made-up clips with the tables of a dataset of one's own."""

from __future__ import annotations

from pathlib import Path

from made_clips import Clip, Track, tone, write_clip
from video_folders import write_table

ROLES = {"barking": "train", "rain": "train", "siren": "train", "music": "val_unseen", "wind": "test_unseen"}
PARTITIONS = {
    "train": ("stage1_train", "stage1_train", "stage1_val_seen", "stage2_test_seen"),
    "val_unseen": ("stage1_val_unseen",) * 4,
    "test_unseen": ("stage2_test_unseen",) * 4,
}


def write_own_videos(place: Path, *, tables: Path, split: str) -> None:
    """Write twenty clips of five classes: grey levels by frame, a tone whose level goes by the clip.

    Args:
        place: folder of the clips.
        tables: folder of `videos.csv` and `classes.csv`.
        split: name of the split.
    """
    rows = []
    for pitch, (name, role) in enumerate(ROLES.items(), start=1):
        for number, partition in enumerate(PARTITIONS[role]):
            video = f"{name}_{number}"
            wave = tone(1.0, 200.0 * pitch, level=0.1 * (number + 1))
            write_clip(place / f"{video}.mkv", Clip(frames=20 + number, sounds=[Track(wave)]))
            rows.append((video, name, f"{video}.mkv", partition))
    write_table(tables / "videos.csv", ("video", "class", "path", "partition"), rows)
    write_table(tables / "classes.csv", ("name", "readable", split), [(n, n, role) for n, role in ROLES.items()])
