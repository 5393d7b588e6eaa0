"""`avbench checkpoint`: read released weights into our methods, and look at checkpoints."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from avgzsl_bench.cli.group import NearMissGroup
from avgzsl_bench.cli.paths import UserPath
from avgzsl_bench.errors import CheckpointError

if TYPE_CHECKING:
    from avgzsl_bench.records.checkpoint import Checkpoint
    from avgzsl_bench.records.checkpoint_header import Header

_file = click.argument("file", type=UserPath(path_type=Path))


@click.group(cls=NearMissGroup, short_help="Read released weights, and look at checkpoints.")
def checkpoint() -> None:
    """Read the weights that authors released into our methods, and look at checkpoints."""


@checkpoint.command("import")
@_file
@click.option("--method", required=True, help="Method the weights are of; 'avbench methods' lists them.")
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting that does not follow from the shapes of the weights, with true or false for one that "
    "is on or off; may be given several times.",
)
@click.option("--out", type=UserPath(path_type=Path), required=True, help="File to write, e.g. avca.safetensors.")
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
def import_command(file: Path, method: str, assignments: tuple[str, ...], out: Path, force: bool) -> None:
    """Read released weights from FILE, a .pt file of torch, and write them as a checkpoint of ours.

    Nothing in FILE is run. Every entry has to fit the method. Settings that do not follow from the shapes are
    those of the method's preset 'official', if it has one. Score it with 'avbench evaluate'.

    Of a published run, <Class>_score.pt is stage 1 at its best epoch N ('avbench checkpoint info' shows N once
    it is imported), and checkpoints/<Class>_score_ckpt_<N-1>.pt is the stage 2 that goes with it.
    """
    from avgzsl_bench.method.registry import method_spec
    from avgzsl_bench.method.settings import parse_assignments
    from avgzsl_bench.records.checkpoint import checkpoint_of, write_checkpoint
    from avgzsl_bench.records.released_weights import load_official, official_origin, read_official
    from avgzsl_bench.system.files import require_writable

    spec = method_spec(method)
    settings = parse_assignments(assignments)
    if os.path.exists(out) and not force:
        raise CheckpointError(f"{out}: is there already; --force replaces it")
    content = read_official(file)
    loaded = load_official(spec, content, **settings)
    require_writable(out.parent)
    made = checkpoint_of(spec, loaded, official_origin(file, content))
    write_checkpoint(out, made)
    click.echo(f"{spec.title}: {_size(made)} -> {out}")


@checkpoint.command("info")
@_file
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def info_command(file: Path, as_json: bool) -> None:
    """Show what a checkpoint of ours is: method, settings, widths, and where its weights come from."""
    from avgzsl_bench.records.checkpoint import read_checkpoint

    found = read_checkpoint(file)
    header = found.header
    if as_json:
        click.echo(header.model_dump_json(indent=1))
        return
    shape, origin = header.shape, header.origin
    text = " + ".join(f"{encoder} {width}" for encoder, width in shape.text.items())
    rows = {
        "method": header.method,
        "plugin": f"{header.distribution} {header.version}".strip() or "-",
        "widths": f"audio {shape.audio}, visual {shape.visual}, text {text}",
        "weights": _size(found),
        "origin": ", ".join(
            [origin.kind, *(f"{k} {v}" for k, v in origin.model_dump(exclude={"kind"}).items() if v is not None)]
        ),
        **_run_rows(header),
    }
    for name, value in rows.items():
        click.echo(f"{name:<10}{value}")
    click.echo("settings")
    for key, value in header.config.items():
        click.echo(f"  {key} = {value}")


def _run_rows(header: Header) -> dict[str, str]:
    """Describe the run that trained the weights, and what predictions with them need."""
    rows, run, part = {}, header.run, header.prediction
    if run is not None:
        data = run.data
        mark = ", SIMULATED" if data.simulated else ""
        rows["run"] = f"{run.id}, {run.code_text}"
        rows["data"] = f"{data.dataset}, {data.features}, {data.split}, fingerprint {data.fingerprint[:12]}{mark}"
    if part is not None:
        seen = sum(entry.seen for entry in part.classes)
        rows["stage"] = str(part.stage)
        rows["bias"] = f"{part.bias:.6g}, by {part.calibration} on validation videos"
        rows["classes"] = f"{seen} seen, {len(part.classes) - seen} unseen"
        rows["recipe"] = "none: the features were not extracted here"
        if part.recipe is not None and part.recipe_sha256 is not None:
            encoders = ", ".join(str(part.recipe.get(kind, {}).get("encoder")) for kind in ("visual", "audio"))
            rows["recipe"] = f"{part.recipe_sha256[:12]}, encoders {encoders}"
    return rows


def _size(found: Checkpoint) -> str:
    values = sum(tensor.numel() for tensor in found.state.values())
    return f"{len(found.state)} tensors, {values:,} values"
