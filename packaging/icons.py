"""Makes the icon files of each system from icon.svg: PNG for Linux, .ico for Windows, .icns for macOS."""

import struct

import product
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, Qt
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

SVG = product.PACKAGING / "icon.svg"
ICO_SIZES = (16, 24, 32, 48, 64, 256)
ICNS_KINDS = {"icp4": 16, "icp5": 32, "ic07": 128, "ic08": 256, "ic09": 512, "ic10": 1024}


def png(size: int) -> bytes:
    """The icon as PNG of size x size pixels."""
    image = QImage(size, size, QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    QSvgRenderer(str(SVG)).render(painter)
    painter.end()
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]  # the stub asks for bytes, which it refuses
    return bytes(data.data())


def ico(pictures: dict[int, bytes]) -> bytes:
    """The format of Windows: a directory of pictures, then the pictures; a size of 256 pixels is written as 0."""
    offset = 6 + 16 * len(pictures)
    head, body = struct.pack("<HHH", 0, 1, len(pictures)), b""
    for size, data in pictures.items():
        head += struct.pack("<BBBBHHII", size % 256, size % 256, 0, 0, 1, 32, len(data), offset + len(body))
        body += data
    return head + body


def icns(pictures: dict[str, bytes]) -> bytes:
    """The format of macOS: a length, then each picture with its kind and length."""
    body = b"".join(kind.encode() + struct.pack(">I", 8 + len(data)) + data for kind, data in pictures.items())
    return b"icns" + struct.pack(">I", 8 + len(body)) + body


if __name__ == "__main__":
    application = QGuiApplication([])
    product.ICONS.mkdir(parents=True, exist_ok=True)
    (product.ICONS / "score-playground.png").write_bytes(png(256))
    product.WINDOWS_ICON.write_bytes(ico({size: png(size) for size in ICO_SIZES}))
    product.MACOS_ICON.write_bytes(icns({kind: png(size) for kind, size in ICNS_KINDS.items()}))
