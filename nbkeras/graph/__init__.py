"""Symbols, the table of primitives, and what makes programs of them; README.md says how data flows."""
