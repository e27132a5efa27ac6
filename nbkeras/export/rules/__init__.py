"""What each primitive is in ONNX, by family."""

from nbkeras.export.rules import elementwise, moving, reducing, windows
from nbkeras.export.rules.table import RULES, rule
