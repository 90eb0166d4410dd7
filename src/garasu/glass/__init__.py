"""What a run looked like, and what its numbers mean."""
