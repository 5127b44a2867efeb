"""Sizes, as people write them."""

import pytest

from streams.core.parsing.sizes import size


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("512MiB", 512 << 20), ("2 GiB", 2 << 30), ("0", 0), ("100", 100), ("7 kB", 7000), ("1TB", 10**12), ("3B", 3)],
)
def test_a_size_is_read(text: str, wanted: int) -> None:
    assert size(text) == wanted


@pytest.mark.parametrize("text", ["", "MiB", "-1", "1.5GiB", "5 apples", "512mib", "1e9"])
def test_what_is_no_size_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="such as 512MiB"):
        size(text)
