"""Models: Sequential, functional, and subclasses of Model."""

from nbkeras.models.cloning import clone_model
from nbkeras.models.from_config import model_from_json
from nbkeras.models.functional import Functional
from nbkeras.models.model import Model
from nbkeras.models.sequential import Sequential
from nbkeras.saving.api import load_model, save_model

__all__ = ["Functional", "Model", "Sequential", "clone_model", "load_model", "model_from_json", "save_model"]
