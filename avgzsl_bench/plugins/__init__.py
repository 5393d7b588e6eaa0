"""The plugin contract, what plugins register, and how plugins are loaded."""
