"""`avbench doctor`: is this installation fit to run?"""

from __future__ import annotations

from pathlib import Path

import click

from avgzsl_bench.cli.options import data_root_option
from avgzsl_bench.errors import AvbenchError


@click.command(short_help="Check this installation: versions, device, plugins, data.")
@data_root_option
def doctor(data_root: Path | None) -> None:
    """Check this installation: versions, devices, plugins, and every installed feature set as a whole.

    Exits with 2 when something is broken.
    """
    from avgzsl_bench.data.datasets.registry import registered_datasets
    from avgzsl_bench.data.store.installed import data_root as resolve_data_root
    from avgzsl_bench.system.device import choose_device, device_name
    from avgzsl_bench.system.environment import environment

    for name, value in environment().items():
        _print_fact(name, value or "-")
    _print_fact("device", device_name(choose_device("auto")))
    _print_fact("datasets", ", ".join(registered_datasets()))
    problems = [*_check_plugins(), *_check_data(resolve_data_root(data_root))]
    if problems:
        raise AvbenchError("; ".join(problems))
    click.echo("all is well")


def _print_fact(name: str, value: object) -> None:
    click.echo(f"{name:<14}{value}")


def _check_plugins() -> list[str]:
    """Import every method, print their names, and list what is wrong with plugins."""
    from avgzsl_bench.cli.plugin_status import all_plugin_statuses
    from avgzsl_bench.method.registry import list_methods, method_class

    statuses = all_plugin_statuses()
    problems = [f"plugin {s.name} ({s.distribution}): {s.error}" for s in statuses if s.error]
    for spec in list_methods():
        try:
            method_class(spec)
        except AvbenchError as error:
            problems.append(str(error))
    _print_fact("methods", ", ".join(spec.name for spec in list_methods()))
    return problems


def _check_data(root: Path) -> list[str]:
    """Verify every installed store, print each verdict, and list what is wrong with the data folder."""
    from avgzsl_bench.data.datasets.registry import known_dataset
    from avgzsl_bench.data.store.installed import scan
    from avgzsl_bench.data.store.verify import verify_store
    from avgzsl_bench.system.files import require_writable

    problems = []
    there = scan(root)
    _print_fact("data folder", root)
    try:
        require_writable(root)
    except AvbenchError as error:
        problems.append(f"data folder: {error}")
    for header in there.headers:
        label = f"{header.dataset}/{header.features}"
        try:
            report = verify_store(header, known_dataset(header.dataset, root))
        except AvbenchError as error:
            problems.append(f"{label}: {error}")
            continue
        _print_fact("", f"{label}: {header.videos} videos; {report.verdict}")
        if report.errors:
            problems.append(f"{label}: {report.verdict}")
    if not there.headers:
        _print_fact("", "nothing installed yet; simulated features are made on first use")
    return [*problems, *(error for _, error in there.unreadable)]
