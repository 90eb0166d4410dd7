"""Pictures of recorded runs: garasu glass KIND RUN."""
