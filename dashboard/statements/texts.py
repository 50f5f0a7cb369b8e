"""A statement's text as one line of a list shows it (pure)."""

CONTROLS = {code: chr(0x2400 + code) for code in range(32)}
MARKS = (*range(0x7F, 0xA0), 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
VISIBLE = CONTROLS | {code: f"\\u{code:04x}" for code in MARKS}


def one_line(text: str, longest: int = 240) -> str:
    """No line breaks, control characters as pictures, marks that turn the direction of text as their code, cut."""
    line = " ".join(text[: longest * 4].split())
    shown = line[:longest].translate(VISIBLE)
    return f"{shown} …" if len(line) > longest or len(text) > longest * 4 else shown
