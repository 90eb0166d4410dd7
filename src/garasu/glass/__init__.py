"""What a run looked like: measures, figures and pages made of it."""
