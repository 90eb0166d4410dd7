"""garasu: Stable Diffusion as a glass box."""
