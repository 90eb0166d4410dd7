"""The drawn world: scenes with attributes, their captions and their pictures, for a model nobody has rights on."""
