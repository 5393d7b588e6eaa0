"""The registry of formats."""

from __future__ import annotations

import subprocess
import sys

import pytest

from avgzsl_bench.report.formats import DEFAULT_FORMATS, FORMATS, formats_help, load_format
from avgzsl_bench.report.formats.format import Format


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_loads_and_knows_its_files(name: str) -> None:
    found = load_format(name)
    assert isinstance(found, Format)
    assert found.mark
    assert not found.is_ours(b"mine\n")
    assert found.is_ours(found.mark.encode())


def test_help_names_every_format_once() -> None:
    assert formats_help() == (
        "md, csv, tex (a file a table each), html (one page, index.html), svg, pdf (figures of each table)"
    )
    assert set(DEFAULT_FORMATS) <= set(FORMATS)


def test_the_registry_loads_no_library() -> None:
    code = (
        "import sys\nfrom avgzsl_bench.report.formats import formats_help\nformats_help()\n"
        "assert not {'numpy', 'matplotlib', 'jinja2', 'tabulate', 'pandas'} & set(sys.modules)\n"
        "from avgzsl_bench.report import folder\nfolder.load_format('md')\n"
        "assert not {'matplotlib', 'jinja2'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
