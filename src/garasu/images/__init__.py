"""Pictures: files to read and write, tensors and back, masks, and putting what was painted back. Knows no networks."""
