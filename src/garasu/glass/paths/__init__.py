"""Runs as paths through the space of latents: how far apart they are, where they part, how fast, and where they end."""
