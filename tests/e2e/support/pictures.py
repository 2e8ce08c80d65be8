"""Reads pictures with the standard library alone: format, sides, and whether the pixels of a PNG are all there."""
import struct
import zlib


def sides(data):
    """`(mime, width, height)` of a PNG, JPEG or lossless WebP; fails for anything else."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png", *png(data)
    if data.startswith(b"\xff\xd8"):
        return "image/jpeg", *jpeg(data)
    if data[:4] == b"RIFF" and data[8:16] == b"WEBPVP8L":
        bits = int.from_bytes(data[21:25], "little")
        return "image/webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    raise AssertionError(f"no picture: {data[:16]!r}")


def png(data):
    at, pixels, head = 8, b"", None
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body, crc = data[at + 8:at + 8 + length], data[at + 8 + length:at + 12 + length]
        assert zlib.crc32(kind + body) == int.from_bytes(crc, "big"), kind
        head = body if kind == b"IHDR" else head
        pixels += body if kind == b"IDAT" else b""
        at += 12 + length
    width, height, depth, colour = struct.unpack(">IIBB", head[:10])
    channels = {0: 1, 2: 3, 6: 4}[colour]
    assert depth == 8 and len(zlib.decompress(pixels)) == (width * channels + 1) * height
    return width, height


def jpeg(data):
    at = 2
    while at < len(data):
        marker, length = data[at + 1], int.from_bytes(data[at + 2:at + 4], "big")
        if 0xC0 <= marker <= 0xC3:
            height, width = struct.unpack(">HH", data[at + 5:at + 9])
            assert data.endswith(b"\xff\xd9")
            return width, height
        at += 2 + length
    raise AssertionError("a JPEG without a frame")
