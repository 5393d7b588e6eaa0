"""Documents as one HTML page that stands alone: no network, readable without JavaScript, text escaped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from avgzsl_bench.report.formats import Format
from avgzsl_bench.report.formats.svg import inline_svg_of
from avgzsl_bench.report.tables.document import MARKER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from avgzsl_bench.report.tables.document import Document
    from avgzsl_bench.report.tables.table import Table


def page_of(documents: Sequence[Document]) -> str:
    """Write the page with all documents, in their order."""
    environment = Environment(
        loader=PackageLoader("avgzsl_bench.report.formats"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sections = [_section(document, number) for number, document in enumerate(documents, start=1)]
    return environment.get_template("page.html.j2").render(
        marker=Markup(MARKER),
        sections=sections,
        records=sum(document.records for document in documents),
        warned=all(document.warning for document in documents),
        has_values=_has_values,
    )


def _section(document: Document, number: int) -> dict[str, object]:
    main, *further = document.page
    # The only text that is not escaped again: matplotlib escapes what stands in it.
    plots = [(plot, Markup(inline_svg_of(plot, f"b{number}-{plot.name}"))) for plot in document.plots()]
    return {"document": document, "id": f"board-{number}", "main": main, "tables": further, "plots": plots}


def _has_values(table: Table) -> list[bool]:
    """Check for each column whether it holds numbers."""
    return [any(cell.value is not None for cell in column) for column in zip(*table.rows, strict=True)]


FORMAT = Format(MARKER, files_of_all=lambda documents: {"index.html": page_of(documents).encode()}, begins=False)
