"""How fast garasu is beside its peers (`compare`), and how its cost grows (`scaling`). See docs/reference/speed.md."""
