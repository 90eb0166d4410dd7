"""The networks of Stable Diffusion: tensors to tensors. No files, no noise levels, no prompts."""
