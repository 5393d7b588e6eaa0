"""Damage to files: what a seed makes of a valid file, the same every time."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence
from random import Random

Mutation = Callable[[bytearray, Random], bytearray]

_ODD_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)

_ODD_TEXT = (
    *(b"..", b"../../etc/passwd", b"/etc/passwd", b"\\\\.\\nul", b"\\ud800", b"\\u0000", b"\xed\xa0\x80", b"\xff"),
    *(b"NaN", b"Infinity", b"-1", b"1e999", b"9" * 5000, b"0", b"null", b"true", b"[]", b"{}", b"''", b'""'),
    *(b"[" * 3000, b"{" * 3000, b"a" * 3000, b"\n", b"=", b",", b"\0", b"1979-05-27", b"0x10", b"-0.0"),
)

_TOKEN = re.compile(rb"[A-Za-z0-9_.+-]+|[^A-Za-z0-9_.+\s-]")


def mutated(content: bytes, others: Sequence[bytes], random: Random, *, text: bool) -> bytes:
    """A damaged form of a valid file, with parts of others; in text, words are damaged beside bytes."""
    changed = bytearray(content)
    kinds = (*_BYTES, *((_word, _swap_words) * 4 if text else ()))
    for _ in range(random.choice((1, 1, 1, 2, 3, 5, 8))):
        if not changed:
            break
        if random.random() < 0.03:
            changed = _splice(changed, random.choice(others), random)
        else:
            changed = random.choice(kinds)(changed, random)
    return bytes(changed)


def _place(content: bytearray, random: Random) -> int:
    """A byte to damage: anywhere, near the beginning or the end, or one that is not zero: these carry meaning."""
    kind = random.random()
    if kind < 0.2:
        return random.randrange(len(content))
    if kind < 0.4:
        return random.randrange(min(len(content), 96))
    if kind < 0.5:
        return len(content) - 1 - random.randrange(min(len(content), 96))
    places = (random.randrange(len(content)) for _ in range(8))
    return next((at for at in places if content[at]), random.randrange(len(content)))


def _flip(content: bytearray, random: Random) -> bytearray:
    content[_place(content, random)] ^= 1 << random.randrange(8)
    return content


def _byte(content: bytearray, random: Random) -> bytearray:
    content[_place(content, random)] = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))
    return content


def _neighbour(content: bytearray, random: Random) -> bytearray:
    """Another type, version or instruction: a byte that is a little larger or smaller."""
    at = _place(content, random)
    content[at] = (content[at] + random.choice((-4, -3, -2, -1, 1, 2, 3, 4))) % 256
    return content


def _number(content: bytearray, random: Random) -> bytearray:
    """A length, count or address that is odd, or a little wrong."""
    form = random.choice(("<H", "<I", "<I", "<Q", "<Q", ">H", ">I", ">Q"))
    size = struct.calcsize(form)
    at = min(_place(content, random), max(0, len(content) - size))
    held = content[at : at + size].ljust(size, b"\0")
    old = int(struct.unpack(form, held)[0])
    near = (old + random.choice((-8, -1, 1, 8)), old * 2, old * 1024, len(content), random.randrange(len(content)))
    value = random.choice((*_ODD_NUMBERS, *near)) % (1 << (8 * size))
    content[at : at + size] = struct.pack(form, value)
    return content


def _cut(content: bytearray, random: Random) -> bytearray:
    """A file that ends early: anywhere, or at a round place."""
    end = _place(content, random)
    return content[: random.choice((end, end // 8 * 8, end // 512 * 512))]


def _block(content: bytearray, random: Random) -> slice:
    start = _place(content, random)
    return slice(start, start + random.choice((1, 4, 8, 16, 40, 64, 512)))


def _double(content: bytearray, random: Random) -> bytearray:
    block = _block(content, random)
    times = random.choice((1, 1, 2, 30))
    return content[: block.stop] + content[block] * times + content[block.stop :]


def _drop(content: bytearray, random: Random) -> bytearray:
    del content[_block(content, random)]
    return content


def _copy(content: bytearray, random: Random) -> bytearray:
    """A block over another of the same length."""
    source, target = content[_block(content, random)], _place(content, random)
    end = min(len(content), target + len(source))
    content[target:end] = source[: end - target]
    return content


def _swap(content: bytearray, random: Random) -> bytearray:
    size = random.choice((8, 16, 40, 512))
    one, other = sorted((_place(content, random), _place(content, random)))
    one_end, other_end = min(one + size, other), min(other + size, len(content))
    parts = (content[:one], content[other:other_end], content[one_end:other], content[one:one_end])
    return bytearray().join((*parts, content[other_end:]))


def _noise(content: bytearray, random: Random) -> bytearray:
    block = _block(content, random)
    content[block] = random.randbytes(len(content[block]))
    return content


def _splice(content: bytearray, other: bytes, random: Random) -> bytearray:
    """The beginning of one file and the end of another."""
    cut = _place(content, random)
    return content[:cut] + other[random.choice((cut, random.randrange(len(other) + 1))) :]


def _word(content: bytearray, random: Random) -> bytearray:
    words = list(_TOKEN.finditer(bytes(content)))
    if words:
        word = random.choice(words)
        content[word.start() : word.end()] = random.choice(_ODD_TEXT)
    return content


def _swap_words(content: bytearray, random: Random) -> bytearray:
    words = list(_TOKEN.finditer(bytes(content)))
    if words:
        word, other = random.choice(words), random.choice(words)
        content[word.start() : word.end()] = other[0]
    return content


_BYTES: tuple[Mutation, ...] = (
    *(_flip, _flip, _byte, _byte, _neighbour, _neighbour, _number, _number, _number),
    *(_cut, _double, _drop, _copy, _swap, _noise),
)
