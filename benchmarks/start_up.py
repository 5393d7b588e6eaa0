"""How long `avbench --help` and `avbench methods` take, against a bare interpreter that imports click.

`python benchmarks/start_up.py` prints one line of JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict

from pairs import Pairs, Way, pairs


def python(code: str) -> Way:
    return lambda: subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, check=True)


def measure(repeats: int = 15) -> dict[str, Pairs]:
    """The commands over the bare interpreter, as the installed script starts them."""
    script = "import sys; from avgzsl_bench.cli import main; sys.argv = ['avbench', {!r}]; main()"
    return {
        f"avbench {argument}": pairs(python(script.format(argument)), python("import click"), repeats=repeats)
        for argument in ("--help", "methods")
    }


if __name__ == "__main__":
    print(json.dumps({name: asdict(found) for name, found in measure().items()}))
