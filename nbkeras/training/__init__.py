"""The training loop and what it reads and shows: data sources and progress."""
