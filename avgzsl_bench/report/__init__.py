"""Leaderboards: pure functions of records and of the figures that papers reported.

    records -> collect -> statistics -> board -> render, board_csv, latex, page -> write

`collect` reads, checks and groups the records. `statistics` makes rows of seeds: what was right (`outcomes`),
resamples of the videos (`bootstrap`), intervals (`variance`), tests and ranks (`comparison`). `board` labels and
orders the rows; `beside` puts reported figures there, each with one of the `verdicts`. `notes` says in words what
all formats show: Markdown (`render`), CSV, LaTeX, and the page with its `plots`. `write` keeps a folder of them.

Three other tables are made of the same parts: `compared` (chosen methods, all pairs tested), `ablation_table`
(the variants that a method declares) and `literature` (what papers report, without any run).
"""
