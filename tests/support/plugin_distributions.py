"""Plugins that commands in other processes find as if they were installed."""

from __future__ import annotations

from pathlib import Path

from process_control import search_path


def installed(folder: Path, name: str, module: str, *places: Path) -> dict[str, str]:
    """Write a distribution whose entry point is a module; the environment in which commands find it and no other.

    Args:
        folder: to write to.
        name: of the entry point.
        module: that it names.
        places: folders that modules are found in.
    """
    place = folder / f"{name}-1.0.dist-info"
    place.mkdir(parents=True)
    (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (place / "entry_points.txt").write_text(f"[avgzsl_bench]\n{name} = {module}\n")
    return {"PYTHONPATH": search_path(folder, *places), "AVBENCH_PLUGINS": f"standard,{name}"}
