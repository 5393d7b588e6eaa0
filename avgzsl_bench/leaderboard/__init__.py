"""Leaderboards: pure functions of records and of the figures that papers reported.

    records -> collect -> statistics -> board -> render -> write

`collect` reads, checks and groups the records, `statistics` aggregates seeds, `board` labels and orders the
rows and puts reported figures beside them, `render` makes Markdown and CSV, `write` keeps a folder of them.
"""
