"""Pictures: tensors and back, metadata in PNG files, contact sheets. Knows nothing of networks."""
