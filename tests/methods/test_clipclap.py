"""ClipClap-GZSL against numbers obtained with the published program, to their printed digits."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from built_methods import CLIP_CLAP, MAIN, build, values
from joint_space import fixed_embedded, fixture_batch
from reference_values import AUDIO, PRINTED_8, PRINTED_10, TEXT, VISUAL, T, doubles, fill
from released import as_saved, fc_shapes, random_state, through_fc

from avgzsl_baselines.clipclap import ClipClap, ClipClapConfig, base_losses
from avgzsl_bench import Batch, CheckpointError, ConfigError, FeatureDims, Videos, load_official
from avgzsl_bench.method.registry import method_spec

make = partial(build, ClipClap)


def fixture_method(**settings: Any) -> ClipClap:
    method = make(
        FeatureDims(AUDIO, VISUAL, {"word2vec": TEXT}),
        T(5, 0),
        model_width=7,
        hidden_width=6,
        embedding_width=4,
        dropout=0.0,
        learning_rate=1e-3,
        weight_decay=1e-5,
        **settings,
    )
    net = method.module.double()
    text = (net.text_projection, net.text_decoder)
    fill(net.video_encoder.block, net.text_encoder, *net.video_projection, *net.video_decoder, *text)
    return method


def test_losses_of_fixed_tensors() -> None:
    embedded, label = fixed_embedded()
    torch.testing.assert_close(embedded.logits(), doubles([3.8, 0.8, 1.8], [0.55, 1.6, 0.6]))
    losses = values(base_losses(embedded, label))
    expected = {"ce": 0.35545021, "reg": 0.12166667, "rec": 0.06156250}
    assert losses == pytest.approx(expected, abs=PRINTED_8)
    assert sum(losses.values()) == pytest.approx(0.53867938, abs=PRINTED_8)


def test_constant_network() -> None:
    net = make(CLIP_CLAP).module.double().eval()
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if name.endswith("linear.weight"):
                parameter.fill_(0.01)
            elif name.endswith("linear.bias"):
                parameter.zero_()
    tenth = torch.full((3, 1536), 0.1, dtype=torch.float64)
    batch = Batch(tenth[:, :1024], tenth[:, :512], torch.tensor([0, 1, 2]))
    out = net(batch, tenth)
    for tensor, expected in [
        (out.encoded_text, 1.5359923),
        (out.text, 7.8642414),
        (out.classes, 7.8642414),
        (out.text_decoded, 5.0330893),
        (out.video, 40.2647144),
        (out.video_decoded, 131.9380969),
    ]:
        torch.testing.assert_close(tensor, torch.full_like(tensor, expected), atol=5.1e-8, rtol=0)


def test_fixture_forward() -> None:
    method = fixture_method()
    assert method.parameter_count() == 2509
    out = method.module(fixture_batch(), method.train_text)
    sums = [t.sum().item() for t in (out.video, out.text, out.encoded_text, out.video_decoded, out.text_decoded)]
    expected = [6.8160732696, 6.7187539031, 11.4823468581, 11.6459360527, 11.8386197969]
    assert sums == pytest.approx(expected, abs=PRINTED_10)
    assert out.video[0].tolist() == pytest.approx([1.7205427881, 0.2876624845, 0, 0], abs=PRINTED_10)
    assert out.text[0].tolist() == pytest.approx([0, 0.1570377551, 0.4424731687, 0], abs=PRINTED_10)


@pytest.mark.parametrize("bn_refresh", ["none", "official"])
def test_fixture_losses_over_three_updates(bn_refresh: str) -> None:
    method = fixture_method(bn_refresh=bn_refresh)
    trace = [values(method.train_step(fixture_batch())) for _ in range(3)]
    first = {"ce": 2.3195207547, "reg": 0.6508308332, "rec": 1.1657029099, "total": 4.1360544978}
    assert trace[0] == pytest.approx(first, abs=PRINTED_10)
    totals = [step["total"] for step in trace]
    assert totals == pytest.approx([4.1360544978, 3.6878050077, 3.4200337034], abs=PRINTED_10)


def running_means(method: ClipClap) -> list[float]:
    net = method.module
    blocks = (net.video_encoder.block, net.text_encoder, net.text_projection, net.text_decoder)
    return [block.norm.running_mean.sum().item() for block in blocks]


def test_official_refresh_of_running_statistics() -> None:
    method = fixture_method(bn_refresh="official")
    batch = fixture_batch()
    method.train_step(batch)
    after_one = [-0.0158518810, 0.0092384868, -0.0503085362, -0.0844818083]
    assert running_means(method) == pytest.approx(after_one, abs=1e-9)
    method.train_step(batch)
    method.train_step(batch)
    after_three = [-0.0348375446, 0.0275822176, -0.1119759636, -0.2406136733]
    # Biases before batch normalisation have no gradient but rounding, and Adam makes steps of it.
    assert running_means(method) == pytest.approx(after_three, abs=1e-9)
    method.module.eval()
    videos = method.embed_videos(Videos(batch.audio, batch.visual))
    texts_of_batch = method.module.embed_texts(method.train_text[batch.label])
    sums = [videos.sum().item(), texts_of_batch.sum().item()]
    assert sums == pytest.approx([0.5951875242, 0.7566738345], abs=1e-9)
    losses = values(method.losses(batch))
    expected = {"ce": 1.6093330570, "reg": 0.0027715064, "rec": 0.0070764609}
    assert losses == pytest.approx(expected | {"total": sum(expected.values())}, abs=1e-9)


def test_passes_an_iteration() -> None:
    passes = {"none": (1, 2, 1), "official": (2, 3, 1)}
    for bn_refresh, expected in passes.items():
        method = fixture_method(bn_refresh=bn_refresh)
        method.train_step(fixture_batch())
        net = method.module
        blocks = (net.video_encoder.block, net.text_encoder, net.text_decoder)
        assert tuple(int(block.norm.num_batches_tracked) for block in blocks) == expected


def test_fresh_network_in_evaluation_mode() -> None:
    method = fixture_method()
    method.module.eval()
    batch = fixture_batch()
    out = method.module(batch, method.train_text)
    assert out.video.sum().item() == pytest.approx(0.8119565088, abs=PRINTED_10)
    assert out.text.any(0).tolist() == [False, False, True, False]
    expected = {"ce": 1.6095791930, "reg": 0.0042414172, "rec": 0.0044269130}
    assert values(base_losses(out, batch.label)) == pytest.approx(expected, abs=PRINTED_10)


@pytest.mark.parametrize("training", [True, False])
def test_embeddings_are_not_negative(training: bool) -> None:
    torch.manual_seed(1)
    method = make(MAIN, torch.randn(5, 300))
    method.module.train(training)
    batch = Batch(torch.randn(8, 512), torch.randn(8, 512), torch.arange(8) % 5)
    out = method.module(batch, method.train_text)
    for tensor in (out.video, out.text, out.classes, out.encoded_text, out.video_decoded, out.text_decoded):
        assert (tensor >= 0).all()


def test_order_of_samples_does_not_matter() -> None:
    method, batch = fixture_method(), fixture_batch()
    order = torch.tensor([2, 1, 0, 3])
    swapped = Batch(batch.audio[order], batch.visual[order], batch.label[order])
    assert values(method.losses(swapped)) == pytest.approx(values(method.losses(batch)), abs=1e-12)


def test_a_class_without_samples_counts_in_the_cross_entropy_alone() -> None:
    method, batch = fixture_method(), fixture_batch()
    losses = values(method.losses(batch))
    method.train_text = T(6, 0)
    more = values(method.losses(batch))
    assert abs(more["ce"] - losses["ce"]) > 0.01
    assert (more["reg"], more["rec"]) == pytest.approx((losses["reg"], losses["rec"]), abs=1e-12)


def test_the_same_with_gathered_texts() -> None:
    """One linear map for samples and classes gives what a pass of each gives."""
    method, batch = fixture_method(), fixture_batch()
    out = method.module(batch, method.train_text)
    encoded = method.module.text_encoder(method.train_text[batch.label])
    torch.testing.assert_close(out.encoded_text, encoded)
    torch.testing.assert_close(out.classes, method.module.embed_texts(method.train_text))


def test_the_text_encoder_feels_the_reconstruction() -> None:
    method, batch = fixture_method(), fixture_batch()
    base_losses(method.module(batch, method.train_text), batch.label)["rec"].backward()
    assert method.module.text_encoder.linear.weight.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("modality", "text", "expected"),
    [
        ("both", "all", ["clip", "clap"]),
        ("both", "clip", ["clip"]),
        ("both", "clap", ["clap"]),
        ("audio", "all", ["clap"]),
        ("visual", "all", ["clip"]),
        ("audio", "clip", ["clip"]),
    ],
)
def test_texts_that_are_read(modality: str, text: str, expected: list[str]) -> None:
    shape = FeatureDims(4, 3, {"clip": 2, "clap": 5})
    method = make(shape, torch.randn(3, 7), modality=modality, text=text)
    assert torch.equal(method.train_text, torch.cat([method.classes.text[name] for name in expected], dim=1))


def test_a_single_text_encoder_serves_every_modality() -> None:
    shape = FeatureDims(4, 3, {"word2vec": 5})
    for modality in ("both", "audio", "visual"):
        assert make(shape, modality=modality).train_text.shape == (2, 5)


def test_a_missing_text_encoder_is_named() -> None:
    with pytest.raises(ConfigError, match=r"text=clip.*word2vec"):
        ClipClap.check(ClipClapConfig(text="clip"), MAIN)
    ClipClap.check(ClipClapConfig(text="clip"), FeatureDims(6, 5, {"clip": 7, "clap": 8}))


def test_a_modality_that_is_off_is_not_read() -> None:
    audio, visual = torch.randn(4, 6), torch.randn(4, 5)
    for modality, other in (("audio", 1), ("visual", 0)):
        method = make(FeatureDims(6, 5, {"word2vec": 7}), modality=modality)
        method.module.eval()
        pair = [audio, visual]
        before = method.embed_videos(Videos(*pair))
        pair[other] = torch.randn_like(pair[other])
        assert torch.equal(method.embed_videos(Videos(*pair)), before)


# --- the published program's switches and checkpoints ---


def test_official_refresh_changes_statistics() -> None:
    refreshed, plain = fixture_method(bn_refresh="official"), fixture_method()
    for method in (refreshed, plain):
        method.train_step(fixture_batch())
    assert running_means(plain)[0] != pytest.approx(running_means(refreshed)[0], abs=1e-3)


WIDTH, HIDDEN, JOINT = 512, 128, 64


def released_shapes(video: int, text: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a released checkpoint, of the variant that its input widths tell."""
    nets = {
        "O_enc": (video, WIDTH),
        "W_enc": (text, WIDTH),
        "O_proj": (WIDTH, HIDDEN, JOINT),
        "D_o": (JOINT, HIDDEN, WIDTH),
        "W_proj": (WIDTH, JOINT),
        "D_w": (JOINT, WIDTH),
    }
    shapes: dict[str, tuple[int, ...]] = {}
    for net, widths in nets.items():
        shapes |= fc_shapes(net, *widths)
    return shapes


@pytest.mark.parametrize(
    ("video", "text", "modality", "columns"),
    [
        (1536, 1536, "both", slice(0, 1536)),
        (1536, 512, "both", slice(0, 512)),
        (1536, 1024, "both", slice(512, 1536)),
        (1024, 1024, "audio", slice(512, 1536)),
        (512, 512, "visual", slice(0, 512)),
    ],
)
def test_reads_a_released_checkpoint(video: int, text: int, modality: str, columns: slice) -> None:
    state = random_state(released_shapes(video, text))
    method = load_official(method_spec("clipclap"), as_saved(state))
    assert isinstance(method, ClipClap)
    assert method.shape == CLIP_CLAP
    expected = (modality, WIDTH, HIDDEN, JOINT)
    config = method.config
    assert (config.modality, config.model_width, config.hidden_width, config.embedding_width) == expected

    vectors, label = torch.randn(7, 1536), torch.tensor([3, 0, 6, 3, 1])
    classes = make(CLIP_CLAP, vectors).classes
    videos = Videos(torch.randn(5, 1024), torch.randn(5, 512))
    features = {
        "both": torch.cat([videos.visual, videos.audio], 1),
        "audio": videos.audio,
        "visual": videos.visual,
    }
    theta_o = through_fc(state, through_fc(state, features[modality], "O_enc"), "O_proj")
    encoded = through_fc(state, vectors[:, columns], "W_enc")
    theta_w = through_fc(state, encoded, "W_proj")
    close: dict[str, Any] = {"rtol": 2e-4, "atol": 1e-2}
    method.module.eval()
    torch.testing.assert_close(method.embed_videos(videos), theta_o, **close)
    torch.testing.assert_close(method.embed_classes(classes), theta_w, **close)
    distance = (theta_o.unsqueeze(1) - theta_w).square().sum(dim=2).sqrt()
    torch.testing.assert_close(method.score(videos, classes), -distance, **close)

    method.train_text = method.text_of(classes)
    losses = method.losses(Batch(videos.audio, videos.visual, label))
    rho_o = through_fc(state, theta_o, "D_o")
    rho_w = through_fc(state, theta_w[label], "D_w")
    u = encoded[label]
    terms = {
        "reg": (theta_o - theta_w[label]).square().mean(),
        "rec": (u - rho_o).square().mean() + (u - rho_w).square().mean(),
    }
    for name, value in terms.items():
        torch.testing.assert_close(losses[name], value, rtol=1e-3, atol=1e-3)


def test_a_released_checkpoint_of_no_known_variant_is_refused() -> None:
    with pytest.raises(CheckpointError, match=r"4224/300.*1536/1536"):
        load_official(method_spec("clipclap"), random_state(released_shapes(4224, 300)))
    state = random_state(released_shapes(1536, 1536))
    del state["O_proj.fc.4.weight"]
    with pytest.raises(CheckpointError, match=r"missing: O_proj\.fc\.4\.weight"):
        load_official(method_spec("clipclap"), state)
