"""Who may open a change stream, and until when (pure)."""

import hashlib
import hmac

SLOT_S = 3_600


def stream_token(secret_key: str, environment_id: int, now_s: float) -> str:
    """Opens one environment's change stream until the end of the next hour; the same within an hour."""
    slot = int(now_s) // SLOT_S
    return f"{environment_id}.{slot}.{_signature(secret_key, environment_id, slot)}"


def environment_of(token: str, secret_key: str, now_s: float) -> int | None:
    """Whose changes a token shows; None for one that is forged or too old."""
    parts = token.split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts[:2]):
        return None
    environment_id, slot = int(parts[0]), int(parts[1])
    genuine = hmac.compare_digest(_signature(secret_key, environment_id, slot).encode(), parts[2].encode())
    return environment_id if genuine and 0 <= int(now_s) // SLOT_S - slot <= 1 else None


def _signature(secret_key: str, environment_id: int, slot: int) -> str:
    message = f"change-stream {environment_id} {slot}".encode()
    return hmac.new(secret_key.encode(), message, hashlib.sha256).hexdigest()
