"""How good a model is: an attribute probe trained on real drawings judges what the model makes of unseen prompts."""
