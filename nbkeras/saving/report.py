"""What loading weights did."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass
class LoadReport:
    """What became of the weights of a file and of a model.

    Attributes:
        loaded: paths of weights that now have the file's values.
        missing: weights of the model that the file does not have.
        unexpected: weights of the file that the model does not have.
        mismatched: path -> (shape in the model, shape in the file).
        optimizer: whether the state of the optimizer was loaded too.

    Example:
        >>> print(LoadReport(loaded=["layers/dense/vars/0"], unexpected=["layers/dense_1/vars/0"]))
        1 weight loaded; not in the model: layers/dense_1/vars/0
    """

    loaded: list[str] = dataclasses.field(default_factory=list)
    missing: list[str] = dataclasses.field(default_factory=list)
    unexpected: list[str] = dataclasses.field(default_factory=list)
    mismatched: dict[str, tuple] = dataclasses.field(default_factory=dict)
    optimizer: bool = False

    @property
    def complete(self) -> bool:
        """Whether every weight of the model was loaded, and every weight of the file was used."""
        return not (self.missing or self.unexpected or self.mismatched)

    def __str__(self):
        parts = [f"{len(self.loaded)} weight{'s' * (len(self.loaded) != 1)} loaded"]
        shapes = [f"{path} (model {own}, file {theirs})" for path, (own, theirs) in self.mismatched.items()]
        for what, paths in (
            ("not in the file", self.missing),
            ("not in the model", self.unexpected),
            ("of another shape", shapes),
        ):
            if paths:
                more = f" and {len(paths) - 5} more" if len(paths) > 5 else ""
                parts.append(f"{what}: {', '.join(paths[:5])}{more}")
        return "; ".join(parts)
