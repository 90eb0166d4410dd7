"""`python -m garasu`, and `accelerate launch -m garasu train base …` for several GPUs."""

from garasu.app.cli import main

main()
