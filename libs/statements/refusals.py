"""The refusal of a statement file: as a whole, with line number and reason. Pure."""


class RefusedError(ValueError):
    """`line` counts from 1; 0 is the file as a whole. The reason contains no names or texts of
    people.
    """

    def __init__(self, reason: str, *, line: int = 0) -> None:
        super().__init__(f"line {line}: {reason}" if line else reason)
        self.line = line
        self.reason = reason
