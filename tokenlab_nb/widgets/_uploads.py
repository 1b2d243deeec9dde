"""Files on their way from the page: pieces become whole files again.

A file comes in pieces since the server's socket takes no message of any size. Each piece is acknowledged, and one that
comes twice changes nothing, so that a page may send it again.
"""

from __future__ import annotations

from tokenlab_nb.errors import ValidationError

CHUNK_BYTES = 1_000_000
"""Most bytes of one piece."""


class Uploads:
    """The files that are being received, by the key of their card.

    Args:
        most: Most bytes of one file.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._parts: dict[str, tuple[int, bytearray]] = {}

    def begin(self, key: str, size: object) -> None:
        """Expect a file of this many bytes.

        Raises:
            ValidationError: If it is empty, too large, or no number.
        """
        if not isinstance(size, int) or isinstance(size, bool) or not 0 < size <= self._most:
            told = f"{size:,} bytes" if isinstance(size, int) else "no size"
            raise ValidationError(f"The file has {told}; 1 to {self._most:,} are taken.", hint="Make it smaller.")
        self._parts[key] = (size, bytearray())

    def put(self, key: str, at: object, piece: bytes | memoryview) -> int:
        """Take one piece; return how many bytes are here now.

        Raises:
            ValidationError: If the file was not begun, or the piece fits nowhere.
        """
        size, data = self._parts.get(key, (0, bytearray()))
        if not size:
            raise ValidationError("This file was not announced.", hint="Add it again.")
        length = len(memoryview(piece).cast("B"))
        if at == len(data) and 0 < length <= min(CHUNK_BYTES, size - len(data)):
            data += piece
        elif not (isinstance(at, int) and at >= 0 and at + length <= len(data)):
            raise ValidationError("A piece of the file came out of order.", hint="Add it again.")
        return len(data)

    def finished(self, key: str) -> bytes | None:
        """Hand out a file that is whole, once; None while it is not."""
        size, data = self._parts.get(key, (0, bytearray()))
        if not size or len(data) < size:
            return None
        del self._parts[key]
        return bytes(data)

    def drop(self, key: str) -> None:
        """Forget a file."""
        self._parts.pop(key, None)
