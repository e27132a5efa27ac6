"""Examples that run as they are: `python -m nbkeras.examples.NAME`, `--help` says what each does and takes."""
