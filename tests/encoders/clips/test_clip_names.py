from __future__ import annotations

import re
from collections import Counter

import pytest

from avgzsl_bench.data.datasets.registry import registered_dataset
from avgzsl_bench.data.datasets.video_list import packaged_videos
from avgzsl_bench.encoders.clips.naming import name_rule, stem_of, whole_video

VGGSOUND = [
    # seconds, in six digits or fewer
    ("-0pJqpNjft4_000267", "-0pJqpNjft4_000267"),
    ("M1pPtg6a_g8_000230", "M1pPtg6a_g8_000230"),
    ("aEYwqY-Zt_k_000011", "aEYwqY-Zt_k_000011"),
    ("nLKEdmVu3FY_000040", "nLKEdmVu3FY_000040"),
    ("NMQiKrTkl10_39", "NMQiKrTkl10_000039"),
    ("NMQiKrTkl10_0", "NMQiKrTkl10_000000"),
    ("NMQiKrTkl10_000000", "NMQiKrTkl10_000000"),
    ("NMQiKrTkl10_0039", "NMQiKrTkl10_000039"),
    ("abcdefghijk_430", "abcdefghijk_000430"),
    ("ABCDEFGHIJK_123456", "ABCDEFGHIJK_123456"),
    # ids that end in digits, hold `_` or `-`, or begin with them
    ("abcdefgh_12_30", "abcdefgh_12_000030"),
    ("abcdefgh_12_000030", "abcdefgh_12_000030"),
    ("abcdefgh_12_30_40", "abcdefgh_12_000030"),
    ("abcd_000030_30", "abcd_000030_000030"),
    ("12345678901_000030", "12345678901_000030"),
    ("12345678901_30", "12345678901_000030"),
    ("___________5_30", None),
    ("____________30", "____________000030"),
    ("-----------_30", "-----------_000030"),
    ("-abc-def_g-_7", "-abc-def_g-_000007"),
    ("_abc_def_gh_7", "_abc_def_gh_000007"),
    ("--Bu2xe4OSo_000430", "--Bu2xe4OSo_000430"),
    ("--CudrykwoE_67_77", "--CudrykwoE_000067"),
    ("v_abcdefghi_30", "v_abcdefghi_000030"),
    ("a_30_40_50x_30_40", "a_30_40_50x_000030"),
    # start and end in seconds
    ("7tMPoaU2oL4_30_40", "7tMPoaU2oL4_000030"),
    ("7tMPoaU2oL4_000030_000040", "7tMPoaU2oL4_000030"),
    ("7tMPoaU2oL4_30.000_40.000", "7tMPoaU2oL4_000030"),
    ("7tMPoaU2oL4_0_10", "7tMPoaU2oL4_000000"),
    ("7tMPoaU2oL4_0_9.5", "7tMPoaU2oL4_000000"),
    # with decimals
    ("7tMPoaU2oL4_30.000", "7tMPoaU2oL4_000030"),
    ("7tMPoaU2oL4_30.0", "7tMPoaU2oL4_000030"),
    ("7tMPoaU2oL4_30.5", None),
    ("7tMPoaU2oL4_30.", None),
    ("7tMPoaU2oL4_.5", None),
    # milliseconds: two numbers 10,000 apart
    ("7tMPoaU2oL4_0_10000", "7tMPoaU2oL4_000000"),
    ("-Qowmc0P9ic_34000_44000", "-Qowmc0P9ic_000034"),
    ("0nib7bMm8BA_15000_25000", "0nib7bMm8BA_000015"),
    ("1aDnyPubxdY_118000_128000", "1aDnyPubxdY_000118"),
    ("1aDnyPubxdY_118000.0_128000.0", "1aDnyPubxdY_000118"),
    ("1aDnyPubxdY_118500_128500", None),
    ("1aDnyPubxdY_30000_40001", "1aDnyPubxdY_030000"),
    ("1aDnyPubxdY_30000", "1aDnyPubxdY_030000"),
    # no names of VGGSound
    ("v_Archery_g01_c01", None),
    ("abcdefghij_000030", None),
    ("abcdefghijkl_000030", None),
    ("abcdefghijk", None),
    ("abcdefghijk_", None),
    ("abcdefghijk-000030", None),
    ("abcdefghijk_30_40_50", None),
    ("abcdefghijk_-30", None),
    ("abcdefghijk_30s", None),
    ("abcdefghijk_30 ", None),
    ("abcdefghijk_30\n", None),
    ("abcdefghij\N{LATIN SMALL LETTER E WITH ACUTE}_30", None),
    ("abcdefghijk_\N{ARABIC-INDIC DIGIT THREE}", None),
    ("._abcdefghijk_30", None),
    ("", None),
]


@pytest.mark.parametrize(("stem", "video"), VGGSOUND)
def test_names_of_vggsound(stem: str, video: str | None) -> None:
    assert name_rule("vggsound").of_stem(stem) == video


def test_there_are_fifty_names_of_vggsound() -> None:
    assert len({stem for stem, _ in VGGSOUND}) >= 50


@pytest.mark.parametrize(
    ("stem", "video"),
    [
        ("GGSY1Qvo990_0", "GGSY1Qvo990_0"),
        ("v_GGSY1Qvo990_22", "GGSY1Qvo990_22"),
        ("-IkL9Kq9zfQ_0", "-IkL9Kq9zfQ_0"),
        ("v_-IkL9Kq9zfQ_0", "-IkL9Kq9zfQ_0"),
        ("v_abcdefghi_1", "v_abcdefghi_1"),
        ("v_v_abcdefghi_1", "v_abcdefghi_1"),
        ("v_abcdefghi_1_2", "abcdefghi_1_2"),
        ("abcdefghi_1_2", "abcdefghi_1_2"),
        (f"v_{11 * '_'}_0", f"{11 * '_'}_0"),
        ("v_GGSY1Qvo990", None),
        ("v_GGSY1Qvo990_", None),
        ("V_GGSY1Qvo990_0", None),
        ("v_GGSY1Qvo990_0_1", None),
        ("v_Archery_g01_c01", None),
    ],
)
def test_names_of_activitynet(stem: str, video: str | None) -> None:
    assert name_rule("activitynet").of_stem(stem) == video


@pytest.mark.parametrize(
    ("stem", "recording"),
    [
        ("v_GGSY1Qvo990", "GGSY1Qvo990"),
        ("GGSY1Qvo990", "GGSY1Qvo990"),
        ("v_abcdefghi", "v_abcdefghi"),
        ("v_v_abcdefghi", "v_abcdefghi"),
        ("v_-0123456789", "-0123456789"),
        ("v_GGSY1Qvo990_0", None),
        ("GGSY1Qvo99", None),
    ],
)
def test_names_of_whole_videos(stem: str, recording: str | None) -> None:
    assert whole_video(stem) == recording


@pytest.mark.parametrize("name", ["ucf", "activitynet"])
def test_every_official_id_leads_to_itself(name: str) -> None:
    videos = packaged_videos(registered_dataset(name))
    rule = name_rule(name)
    assert videos is not None
    keys = Counter(rule.of_id(video) for video in videos.video_id)
    assert set(keys.values()) == {1}
    for video in videos.video_id:
        assert rule.of_stem(video) == rule.of_id(video)
        if name == "ucf":
            assert rule.of_stem(video.upper()) == rule.of_stem(video.lower()) == rule.of_id(video)
        else:
            assert rule.of_stem(f"v_{video}") == video


@pytest.mark.parametrize(
    "stem", ["Archery_g01_c01", "v_Archery_g1_c01", "v_Archery_g01_c01_x", "v_Arch ery_g01_c01"]
)
def test_other_names_are_not_of_ucf(stem: str) -> None:
    assert name_rule("ucf").of_stem(stem) is None


def test_every_official_id_has_the_form_of_the_rule_of_recordings() -> None:
    """The rule of names and the rule of recordings know the same ids."""
    for name in ("ucf", "activitynet"):
        dataset = registered_dataset(name)
        videos = packaged_videos(dataset)
        assert videos is not None
        assert dataset.recording is not None
        assert all(re.fullmatch(dataset.recording, video) for video in videos.video_id)


def test_files_of_another_dataset_are_called_as_their_ids() -> None:
    rule = name_rule("mine")
    assert rule.of_stem("Any name, 1") == rule.of_id("Any name, 1") == "Any name, 1"
    assert rule.of_stem("cafe\N{COMBINING ACUTE ACCENT}") == rule.of_id("caf\N{LATIN SMALL LETTER E WITH ACUTE}")


def test_the_stem_has_no_folder_and_no_ending() -> None:
    assert stem_of("a.b/c d/abcdefghijk_30.000.mp4") == "abcdefghijk_30.000"
    assert stem_of("x.MP4") == "x"
