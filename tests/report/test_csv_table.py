from __future__ import annotations

import io
import math

import pandas as pd

from avgzsl_bench.report.formats.csv_table import FORMAT, csv_of
from avgzsl_bench.report.tables.document import Document
from avgzsl_bench.report.tables.table import value_table


def test_values_are_written_unrounded_and_missing_ones_empty() -> None:
    table = value_table(
        [
            {"f": 1 / 3, "i": 7, "b": True, "s": 'a "b", c\nd', "none": None, "nan": math.nan},
            {"f": 1e-20, "i": None, "b": False, "s": "", "none": "ä", "nan": 1.0},
        ]
    )
    text = csv_of(table)
    assert text == ('f,i,b,s,none,nan\n0.3333333333333333,7,True,"a ""b"", c\nd",,\n1e-20,,False,,ä,1.0\n')
    frame = pd.read_csv(io.StringIO(text))
    assert frame["f"].tolist() == [1 / 3, 1e-20]
    assert frame["s"][0] == 'a "b", c\nd'


def test_a_file_of_ours_is_known_by_its_first_columns() -> None:
    names = ("method", "title", "follows", "distribution", "version", "settings_changed", "x")
    document = Document(name="name", heading="", data=value_table([dict.fromkeys(names, "1")]))
    ((name, content),) = FORMAT.files_of(document).items()
    assert name == "name.csv"
    assert FORMAT.is_ours(content)
    assert not FORMAT.is_ours(b"method,title\n")
