"""SHA-256 tree hash: the checksum of the Glacier vault service, over 1 MiB leaves.

Source: "Computing Checksums", Amazon S3 Glacier developer guide: hash every MiB, then hash the hashes in
pairs, level by level; a hash without a partner moves up unchanged. Up to 1 MiB the result is the plain SHA-256.
"""

import hashlib
from collections.abc import Sequence

LEAF_BYTES = 1024 * 1024


class TreeHash:
    """An incremental tree hash. Memory grows with the logarithm of the number of bytes."""

    def __init__(self) -> None:
        self._leaf = hashlib.sha256()
        self._room = LEAF_BYTES
        #: Roots of complete subtrees as (height, digest), the tallest first.
        self._stack: list[tuple[int, bytes]] = []

    def update(self, data: bytes | memoryview) -> None:
        view = memoryview(data)
        while view:
            if not self._room:
                self._close_leaf()
            piece, view = view[: self._room], view[self._room :]
            self._leaf.update(piece)
            self._room -= len(piece)

    def digest(self) -> bytes:
        """Return the hash of the bytes so far; more may follow."""
        # The open leaf is empty only for an empty archive: it is closed when a byte arrives that does not fit.
        root = self._leaf.digest()
        for _, left in reversed(self._stack):
            root = _pair(left, root)
        return root

    def hexdigest(self) -> str:
        return self.digest().hex()

    def _close_leaf(self) -> None:
        height, digest = 0, self._leaf.digest()
        while self._stack and self._stack[-1][0] == height:
            digest = _pair(self._stack.pop()[1], digest)
            height += 1
        self._stack.append((height, digest))
        self._leaf = hashlib.sha256()
        self._room = LEAF_BYTES


def root_of(parts: Sequence[bytes]) -> bytes:
    """Return the tree hash of the parts' digests in order: all but the last of one power-of-two size in MiB."""
    level = list(parts)
    while len(level) > 1:
        pairs = [_pair(*level[i : i + 2]) for i in range(0, len(level) - 1, 2)]
        level = pairs + level[len(level) - len(level) % 2 :]
    return level[0]


def _pair(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(left + right).digest()
