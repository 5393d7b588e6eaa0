"""`avbench doctor`: is this installation fit to run?"""

from __future__ import annotations

from pathlib import Path

import click

from avgzsl_bench.cli.options import data_root_option


@click.command(short_help="Check this installation: versions, device, plugins, data.")
@data_root_option
def doctor(data_root: Path | None) -> None:
    """Check this installation: versions, devices, plugins, and every installed feature set as a whole.

    Exits with 2 when something is broken.
    """
    from avgzsl_bench.cli.plugin_status import all_plugin_statuses
    from avgzsl_bench.data.datasets.registry import registered_dataset, registered_datasets
    from avgzsl_bench.data.store.installed import data_root as resolve_data_root
    from avgzsl_bench.data.store.installed import scan
    from avgzsl_bench.data.store.verify import verify_store
    from avgzsl_bench.errors import AvbenchError
    from avgzsl_bench.method.registry import list_methods, method_class
    from avgzsl_bench.system.device import choose_device, device_name
    from avgzsl_bench.system.environment import environment
    from avgzsl_bench.system.files import require_writable

    problems = []
    for name, value in environment().items():
        click.echo(f"{name:<14}{value or '-'}")
    click.echo(f"{'device':<14}{device_name(choose_device('auto'))}")
    click.echo(f"{'datasets':<14}{', '.join(registered_datasets())}")
    for status in all_plugin_statuses():
        if status.error:
            problems.append(f"plugin {status.name} ({status.distribution}): {status.error}")
    for spec in list_methods():
        try:
            method_class(spec)
        except AvbenchError as error:
            problems.append(str(error))
    click.echo(f"{'methods':<14}{', '.join(spec.name for spec in list_methods())}")
    root = resolve_data_root(data_root)
    found = scan(root)
    click.echo(f"{'data folder':<14}{root}")
    try:
        require_writable(root)
    except AvbenchError as error:
        problems.append(f"data folder: {error}")
    for header in found.headers:
        label = f"{header.dataset}/{header.features}"
        try:
            report = verify_store(header, registered_dataset(header.dataset))
        except AvbenchError as error:
            problems.append(f"{label}: {error}")
            continue
        click.echo(f"{'':<14}{label}: {header.videos} videos; {report.verdict}")
        if report.errors:
            problems.append(f"{label}: {report.verdict}")
    if not found.headers:
        click.echo(f"{'':<14}nothing installed yet; simulated features are made on first use")
    problems += [error for _, error in found.unreadable]
    if problems:
        raise AvbenchError("; ".join(problems))
    click.echo("all is well")
