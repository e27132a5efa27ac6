"""Models in formats of other libraries: ONNX."""
