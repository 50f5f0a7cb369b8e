"""A statement's text as one line of a list shows it (pure)."""


def one_line(text: str, longest: int = 240) -> str:
    """No line breaks, control and direction marks made visible, cut."""
    line = " ".join(text[: longest * 4].split())
    shown = "".join(_visible(sign) for sign in line[:longest])
    return f"{shown} …" if len(line) > longest or len(text) > longest * 4 else shown


def _visible(sign: str) -> str:
    """Control characters as pictures, marks that turn the direction of text as their code."""
    code = ord(sign)
    if code < 32:
        return chr(0x2400 + code)
    if code == 127 or 0x80 <= code < 0xA0 or code in {0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}:
        return f"\\u{code:04x}"
    return sign
