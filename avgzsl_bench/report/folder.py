"""Folders of tables: written whole, freed of files of earlier runs, and never at the cost of other files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avgzsl_bench.data.cards.cards import card_of, has_card
from avgzsl_bench.data.cards.text import feature_sets_page
from avgzsl_bench.errors import AvbenchError
from avgzsl_bench.report.formats import DEFAULT_FORMATS, FORMATS, Format, load_format
from avgzsl_bench.report.tables.board import CARDS, board_document
from avgzsl_bench.report.tables.document import MARKER
from avgzsl_bench.system.files import content_of, os_reason, write_atomically

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from avgzsl_bench.report.boards.board import Board
    from avgzsl_bench.report.tables.document import Document

LISTING = ".avbench-leaderboard"
"""Names the files of the last run, so that those that no longer apply can be removed, and no others."""


def write_boards(boards: Sequence[Board], out: Path, formats: Collection[str] = DEFAULT_FORMATS) -> list[Path]:
    """Write every board to a folder, freed of what only the last run wrote there; return the files.

    Args:
        boards: at least one.
        out: the folder.
        formats: names from `FORMATS`; with `md` the folder gets a `README.md` with all main tables, and
            `feature-sets.md` with the cards of their feature sets.

    Raises:
        AvbenchError: the folder cannot be written to, or holds a file that is not ours under one of the names.
    """
    contents = _contents(boards, formats)
    for name in contents:
        if _is_ours(out / name) is False:
            raise AvbenchError(
                f"{out / name} is not a leaderboard and would be lost; choose another folder with --out"
            )
    earlier = (content_of(out / LISTING) or b"").decode(errors="replace").splitlines()
    # Listed before they are there: what an interrupted run leaves is known, too.
    write_atomically(out / LISTING, "".join(f"{name}\n" for name in sorted({*earlier, *contents})).encode())
    for name, content in contents.items():
        write_atomically(out / name, content)
    _remove_stale(out, [name for name in earlier if name not in contents])
    write_atomically(out / LISTING, "".join(f"{name}\n" for name in sorted(contents)).encode())
    return [out / name for name in contents]


def write_documents(documents: Iterable[Document], out: Path, formats: Sequence[str], kind: str) -> list[Path]:
    """Write documents of a kind to a folder; return the files.

    Files are replaced only where the first of a document has its marker.

    Raises:
        AvbenchError: the folder cannot be written to, or holds a file that is not ours under one of the names.
    """
    contents: dict[Path, bytes] = {}
    for document in documents:
        files = {out / name: text for f in formats for name, text in load_format(f).files_of(document).items()}
        ours = (content_of(next(iter(files))) or b"").startswith(document.marker.encode())
        for path in files:
            if content_of(path) is not None and not ours:
                raise AvbenchError(f"{path} is no {kind} and would be lost; choose another folder with --out")
        contents |= files
    for path, content in contents.items():
        write_atomically(path, content)
    return list(contents)


def write_latex(document: Document, path: Path) -> None:
    """Write the tables of a document for a paper to one LaTeX file.

    Raises:
        AvbenchError: it cannot be written, or a file that is not ours lies there.
    """
    from avgzsl_bench.report.formats.latex import FORMAT, latex_of

    content = content_of(path)
    if content is not None and not FORMAT.is_ours(content):
        raise AvbenchError(f"{path} was not made by avbench and would be lost; choose another file with --latex")
    write_atomically(path, latex_of(document).encode())


def _contents(boards: Sequence[Board], names: Collection[str]) -> dict[str, bytes]:
    """Write the contents of all files, by their names: those with all boards first."""
    documents = [board_document(board) for board in boards]
    formats = {name: load_format(name) for name in FORMATS if name in names}
    of_all: dict[str, bytes] = {}
    for found in formats.values():
        of_all |= found.files_of_all(documents)
    of_each = [_files_of(document, formats) for document in documents]
    if "md" in names:
        of_all["README.md"] = _readme(documents, of_each, of_all).encode()
        cards = sorted({board.key.data.features for board in boards if has_card(board.key.data.features)})
        if cards:
            of_all[CARDS] = f"{MARKER}\n\n{feature_sets_page(map(card_of, cards))}".encode()
    return of_all | {name: content for files in of_each for name, content in files.items()}


def _files_of(document: Document, formats: Mapping[str, Format]) -> dict[str, bytes]:
    """Write the files of a document, by their names: those of one plot side by side."""
    files = {name: text for found in formats.values() for name, text in found.files_of(document).items()}
    stems = list(dict.fromkeys(name.rpartition(".")[0] for name in files))
    return {name: files[name] for name in sorted(files, key=lambda name: stems.index(name.rpartition(".")[0]))}


def _readme(documents: Sequence[Document], of_each: Sequence[Collection[str]], of_all: Collection[str]) -> str:
    """Show the main table of each board, with links to its files and to those of all boards."""
    from avgzsl_bench.report.formats.markdown import summary_of

    records = sum(document.records for document in documents)
    parts = [
        f"{MARKER}\n\n# Leaderboards\n",
        f"Made by `avbench leaderboard` from {records} record{'s' if records != 1 else ''}. Every measured "
        "figure was recomputed from the decisions that lie beside its record.\n",
    ]
    if of_all:
        parts.append(f"All tables and figures on one page: {_links(of_all)}\n")
    for document, files in zip(documents, of_each, strict=True):
        plots = [name for name in files if FORMATS[name.rpartition(".")[2]].kind == "plots"]
        tables = [name for name in files if name not in plots]
        parts.append(summary_of(document, level=2))
        parts.append(f"Sensitivity to the bias, reported figures and runs: {_links(tables)}\n")
        if plots:
            parts.append(f"Figures: {_links(plots)}\n")
    return "\n".join(parts)


def _links(names: Iterable[str]) -> str:
    return ", ".join(f"[{name}]({name})" for name in names)


def _remove_stale(out: Path, names: Iterable[str]) -> None:
    """Remove files that an earlier run wrote and this one did not."""
    for name in names:
        path = out / name
        if path.suffix[1:] in FORMATS and path.parent == out and not path.is_symlink() and _is_ours(path):
            try:
                path.unlink()
            except OSError as error:
                raise AvbenchError(f"cannot remove the outdated {path}: {os_reason(error)}") from error


def _is_ours(path: Path) -> bool | None:
    """Check whether a leaderboard wrote what lies at a path; None where nothing lies."""
    content = content_of(path)
    return None if content is None else load_format(path.suffix[1:]).is_ours(content)
