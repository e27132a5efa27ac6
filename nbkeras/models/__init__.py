"""Models: Sequential, functional, and subclasses of Model."""

from nbkeras.models.functional import Functional
from nbkeras.models.model import Model
from nbkeras.models.sequential import Sequential

__all__ = ["Functional", "Model", "Sequential"]
