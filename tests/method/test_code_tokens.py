"""What counts in the source of a method: what computes, whatever Python tokenises it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from avgzsl_bench.method.code.tokens import code_tokens

SAMPLE = Path(__file__).with_name("code_sample.py.txt").read_text(encoding="utf-8")
SOURCE = '''"""Module."""
import torch

SCALE = 2.0
"""Of the loss."""


class Config(ab.TorchConfig):
    """Settings."""

    width: int = ab.Field(64, ge=1, description="width, of the space")


class Mine(ab.TorchMethod[Config]):
    """A method."""

    def losses(self, batch):
        """Compute it."""
        if batch:
            total = torch.stack([batch.audio, batch.visual]).sum()
        return {"total": SCALE * total, "name": f"{total:.3f} of {batch!r}"}
'''


def test_the_tokens_of_a_sample_are_the_same_on_every_python() -> None:
    tokens = code_tokens(SAMPLE)
    assert "f'{width = }'" in tokens
    assert "f\"é {width!r:>{WIDTH}} {f'{names[0]}' + 'x'} {{literal}} {'ü'}\"" in tokens
    assert 'f"""Ünï\n    {width\n        + 1} über\n    {names!s}"""' in tokens
    assert hashlib.sha256("\0".join(tokens).encode()).hexdigest()[:16] == "3c8d6c5ce3ad36ae"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""Module."""', '"""Another text.\n\nOf several lines.\n"""'),
        ('"""Module."""\n', ""),
        ('"""Of the loss."""', ""),
        ('    """A method."""\n', '    r"""One" "of two."""\n'),
        ('        """Compute it."""\n', "        # only a comment\n\n"),
        ('description="width, of the space"', 'description=f"wider: {1}" "(really)"'),
        (', description="width, of the space"', ""),
        ('ge=1, description="width, of the space"', 'description="x", ge=1'),
        ("import torch\n", "import torch  # why\n\n\n"),
        ("stack([batch.audio, batch.visual])", "stack(\n  [\n    batch.audio,\n    batch.visual,\n  ],\n )"),
        ("            total", "                  total"),
        ("if batch:", "if \\\n batch:"),
        ("SCALE = 2.0\n", "SCALE   =   2.0\n"),
        ('SCALE = 2.0\n"""Of the loss."""\n', '"""Of the loss."""; SCALE = 2.0\n'),
    ],
)
def test_comments_docstrings_layout_and_descriptions_do_not_count(old: str, new: str) -> None:
    assert SOURCE.count(old) == 1
    changed = SOURCE.replace(old, new)
    compile(changed, "", "exec")
    assert code_tokens(changed) == code_tokens(SOURCE)
    assert code_tokens(changed.rstrip()) == code_tokens(changed.replace("\n\n\n", "\n\n# and\n\n"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SCALE = 2.0", "SCALE = 2.5"),
        ("64, ge=1", "65, ge=1"),
        ("SCALE * total", "SCALE + total"),
        ("{total:.3f}", "{total:.4f}"),
        ("{batch!r}", "{batch!s}"),
        ('f"{total:.3f}', 'f"{total:.3f} '),
        ("        return", "            return"),
        ("        return", "        -1\n        return"),
        ("import torch", "import torch as torch"),
        ('description="width, of the space"', 'title="width"'),
        ('"name": f', '"nome": f'),
    ],
)
def test_what_computes_counts(old: str, new: str) -> None:
    assert SOURCE.count(old) == 1
    changed = SOURCE.replace(old, new)
    compile(changed, "", "exec")
    assert code_tokens(changed) != code_tokens(SOURCE)


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("x = (1,)", "x = (1)", False),
        ("x = a[1,]", "x = a[1]", False),
        ("x = a[1, 2,]", "x = a[1, 2]", True),
        ("x = (lambda a, b: a,)", "x = (lambda a, b: a)", False),
        ("x = f(1,)", "x = f(1)", True),
        ("x = f(1)(2,)", "x = f(1)(2)", True),
        ("x = [1,]", "x = [1]", True),
        ("x = {1,}", "x = {1}", True),
        ("return_ = 1\ndef f(): return (1,)", "return_ = 1\ndef f(): return (1)", False),
        ("match x:\n case (1,): pass", "match x:\n case (1): pass", False),
        ("f(1)\n-1", "f(1) -1", False),
        ("if a:\n b\n c", "if a:\n b\nc", False),
        ("x = 'a'", "x = 'b'", False),
        ("x: 'a'", "x: 'b'", False),
        ("f'{x}'", "f'{y}'", False),
        ("x = Field({'description': 1})", "x = Field({'description': 2})", False),
        ("x = other(description=1)", "x = other(description=2)", False),
        ("x = Field(f(description=1))", "x = Field(f(description=2))", False),
        ("description = 1", "description = 2", False),
    ],
)
def test_what_looks_like_layout_and_is_not(one: str, other: str, equal: bool) -> None:
    for source in (one, other):
        compile(source, "", "exec")
    assert (code_tokens(one) == code_tokens(other)) == equal
