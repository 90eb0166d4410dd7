"""Tasks: for each a frozen recipe, and a function from a model and a recipe to pictures."""
