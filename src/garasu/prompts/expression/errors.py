"""What can be wrong with an expression."""

AROUND = 30  # characters of the text that an error shows before and after its place


class ExpressionError(ValueError):
    """An expression that cannot be read or evaluated: what is wrong at which column (from 1), and the fix."""

    def __init__(self, problem: str, text: str, column: int) -> None:
        start, stop = max(0, column - 1 - AROUND), column - 1 + AROUND
        shown = f"{'…' * (start > 0)}{text[start:stop]}{'…' * (stop < len(text))}"
        super().__init__(f"{problem} (column {column} of the expression: {shown})")
        self.column = column
