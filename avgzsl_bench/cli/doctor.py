"""`avbench doctor`: is this installation fit to run?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import click

from avgzsl_bench.cli.options import data_root_option
from avgzsl_bench.errors import AvbenchError
from avgzsl_bench.plugins.registry import AnySpec


@click.command(short_help="Check this installation: versions, device, plugins, data.")
@data_root_option
def doctor(data_root: Path | None) -> None:
    """Check this installation: versions, devices, plugins, and every installed feature set as a whole.

    Exits with 2 when something is broken.
    """
    from avgzsl_bench.data.store.installed import data_root as locate
    from avgzsl_bench.execution.threads import default_text
    from avgzsl_bench.system.device import choose_device, device_name
    from avgzsl_bench.system.environment import environment, waiting

    for name, value in environment().items():
        _print_fact(name, default_text() if name == "threads" else value or "-")
    _print_fact("waiting", ", ".join(f"{name}={value}" for name, value in waiting().items()))
    _print_fact("device", device_name(choose_device("auto")))
    problems = [*_check_plugins(), *_check_encoders(), *_check_trackers()]
    problems += _check_data(locate(data_root), data_root)
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


def _check_encoders() -> list[str]:
    """Import every encoder whose libraries are installed, print the names, list what is wrong."""
    from avgzsl_bench.encoders.registry import REGISTRY, encoder_class, missing_modules

    found = [(spec, missing_modules(spec)) for spec in REGISTRY.items().values()]
    return _check_classes("encoders", found, encoder_class)


def _check_trackers() -> list[str]:
    """Import every tracker whose libraries are installed, print the names, list what is wrong."""
    from avgzsl_bench.execution.trackers.registry import REGISTRY, missing_modules, tracker_class

    found = [(spec, missing_modules(spec)) for spec in REGISTRY.items().values()]
    return _check_classes("trackers", found, tracker_class)


def _check_classes(
    kind: str, found: Iterable[tuple[AnySpec, list[str]]], load: Callable[[AnySpec], object]
) -> list[str]:
    """Load the class of each spec of which no module is missing, print the names, list what is wrong."""
    names, problems = [], []
    for spec, missing in found:
        names.append(f"{spec.name} (not installed: {', '.join(missing)})" if missing else spec.name)
        try:
            if not missing:
                load(spec)
        except AvbenchError as error:
            problems.append(str(error))
    _print_fact(kind, ", ".join(names))
    return problems


def _check_data(root: Path, given: Path | None) -> list[str]:
    """Verify every installed store, print each verdict, and list what is wrong with the data folder."""
    from avgzsl_bench.data.datasets.registry import known_dataset, registered_datasets, scan_own_datasets
    from avgzsl_bench.data.store.installed import existing_root, scan
    from avgzsl_bench.data.store.verify import verify_store

    try:
        existing_root(given)
        there, own = scan(root), scan_own_datasets(root)
    except AvbenchError as error:
        _print_fact("datasets", ", ".join(registered_datasets()))
        return [str(error)]
    _print_fact("datasets", ", ".join([*registered_datasets(), *own.datasets]))
    _print_fact("data folder", f"{root}{_writing_note(root)}")
    problems = []
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
    if not there.headers and not there.unreadable:
        _print_fact("", "nothing installed yet; simulated features are made on first use")
    unreadable = dict.fromkeys([*there.unreadable, *own.unreadable])
    return [*problems, *(error for _, error in unreadable)]


def _writing_note(root: Path) -> str:
    """Note that nothing can be added to a data folder, if so; runs on what is installed need not write there."""
    from avgzsl_bench.system.files import require_writable

    try:
        require_writable(root)
    except AvbenchError:
        return " (read-only: runs on installed features work, importing and simulating features does not)"
    return ""
