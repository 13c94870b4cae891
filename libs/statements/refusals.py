"""How a statement file says no: whole, with the line of an editor and the reason. Pure."""


class RefusedError(ValueError):
    """`line` counts from 1; 0 is the file as a whole. The reason does not repeat names or texts of people."""

    def __init__(self, reason: str, *, line: int = 0) -> None:
        super().__init__(f"line {line}: {reason}" if line else reason)
        self.line = line
        self.reason = reason
