from __future__ import annotations

import io
import math

import pandas as pd

from avgzsl_bench.report.formats.csv_table import csv_of
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
