"""Concepts that training never sees: individuals and a style to personalise a model with."""
