"""The registry of formats."""

from __future__ import annotations

import re
import subprocess
import sys

from avgzsl_bench.report.formats import FORMATS, formats_help


def test_help_names_every_format_once() -> None:
    text = formats_help()
    assert re.sub(r" \(.*?\)", "", text).split(", ") == list(FORMATS)
    assert "csv, tex (a file a table each), html (one page, index.html)" in text


def test_libraries_are_loaded_only_where_they_are_needed() -> None:
    code = (
        "import sys\nfrom avgzsl_bench.report.formats import formats_help\nformats_help()\n"
        "assert not {'numpy', 'matplotlib', 'jinja2', 'tabulate', 'pandas'} & set(sys.modules)\n"
        "from avgzsl_bench.report import folder\nfolder.load_format('md')\n"
        "assert not {'matplotlib', 'jinja2'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
