"""Class texts: names in words, the templates that they are put in, and their vectors."""
