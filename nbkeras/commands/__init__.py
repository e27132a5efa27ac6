"""The commands of `nbkeras`: each module has EXAMPLES, `add_arguments(parser)` and `run(options) -> exit status`."""
