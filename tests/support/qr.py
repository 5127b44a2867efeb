"""QR codes, as another's reader sees them."""

from pathlib import Path

import numpy as np
import png
import zxingcpp


def scanned(picture: Path) -> str:
    """What the one QR code in a PNG says."""
    width, height, rows, _ = png.Reader(bytes=picture.read_bytes()).asRGB8()
    pixels = np.array([bytearray(row) for row in rows], np.uint8).reshape(height, width, 3)
    (found,) = zxingcpp.read_barcodes(np.ascontiguousarray(pixels))
    assert found.format == zxingcpp.BarcodeFormat.QRCode
    text: str = found.text
    return text
