"""Training: captioned pictures, the one loop, and a small Stable Diffusion from scratch."""
