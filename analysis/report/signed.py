"""Numbers with their sign, for tables and charts."""


def signed(decibans: float, digits: int = 1) -> str:
    """Decibans with their sign, rounded; nothing is written as minus zero."""
    rounded = round(decibans, digits)
    return f"{rounded:+.{digits}f}".replace("-", "−") if rounded else f"{0:.{digits}f}"
