"""The tree hash is AWS's: against its published example, botocore's own code, and the definition written out."""

import hashlib
import io

import pytest
from botocore.utils import calculate_tree_hash
from hypothesis import given, settings
from hypothesis import strategies as st

from gas.aws import treehash
from gas.aws.treehash import LEAF_BYTES, TreeHash, root_of


def plainly(data: bytes, leaf: int = LEAF_BYTES) -> bytes:
    """The definition: hash the leaves, then pairs of hashes, level by level."""
    level = [hashlib.sha256(data[i : i + leaf]).digest() for i in range(0, len(data) or 1, leaf)]
    while len(level) > 1:
        pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
        level = [hashlib.sha256(b"".join(pair)).digest() if len(pair) == 2 else pair[0] for pair in pairs]
    return level[0]


def of(*pieces: bytes) -> str:
    tree = TreeHash()
    for piece in pieces:
        tree.update(piece)
    return tree.hexdigest()


def test_the_example_of_the_developer_guide() -> None:
    """From "Example Signature Calculation for Streaming API" in the Glacier developer guide."""
    expected = "726e392cb4d09924dbad1cc0ba3b00c3643d03d14cb4b823e2f041cff612a628"
    assert of(b"Welcome to Amazon Glacier.") == expected


@pytest.mark.parametrize("size", [0, 1, LEAF_BYTES - 1, LEAF_BYTES, LEAF_BYTES + 1, 3 * LEAF_BYTES, 7 * LEAF_BYTES + 5])
def test_it_is_botocores(size: int) -> None:
    data = bytes(i * 31 % 251 for i in range(1000)) * (size // 1000 + 1)
    data = data[:size]
    assert of(data) == calculate_tree_hash(io.BytesIO(data))


@given(sizes=st.lists(st.integers(0, 40), max_size=12))
def test_it_is_the_definition_however_it_is_fed(sizes: list[int]) -> None:
    """With leaves of 8 bytes, so that many shapes of tree are met."""
    pieces = [bytes([i % 256]) * size for i, size in enumerate(sizes)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(treehash, "LEAF_BYTES", 8)
        assert of(*pieces) == plainly(b"".join(pieces), 8).hex()


@settings(max_examples=60)
@given(leaves=st.integers(1, 70), power=st.integers(0, 4))
def test_a_whole_is_known_from_its_parts(leaves: int, power: int) -> None:
    data = bytes(range(leaves)) * 8
    part = 8 * 2**power
    parts = [plainly(data[i : i + part], 8) for i in range(0, len(data), part)]
    assert root_of(parts) == plainly(data, 8)


def test_what_was_fed_can_be_asked_for_on_the_way() -> None:
    tree = TreeHash()
    tree.update(b"a" * LEAF_BYTES)
    tree.digest()
    tree.update(b"b" * LEAF_BYTES)
    assert tree.digest() == plainly(b"a" * LEAF_BYTES + b"b" * LEAF_BYTES)
