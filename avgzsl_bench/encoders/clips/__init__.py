"""Which file is which video: names, lists, tables and annotations to clips, and what a folder covers."""
