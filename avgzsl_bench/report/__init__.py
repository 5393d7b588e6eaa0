"""Reports: pure functions of records and of the figures that papers reported.

    records -> stats -> boards -> tables, plots -> formats -> folder

`stats` makes result rows of runs: correctness on test videos, bootstrap, intervals, tests, ranks. `reported` reads
the figures that papers print and locates them relative to our intervals. `boards` decides what stands side by
side: all records that may be compared, chosen methods, or the variants of an ablation. `tables` turns these into
`Table`s and texts, one builder per table, and `plots` into figures. `formats` write any `Document` of tables,
one module and one line in `FORMATS` each. `folder` keeps a folder of the files.
"""
