"""Which bytes may be a logo, judged against pictures that Pillow makes."""

import base64
import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from incasso.merchants.v1 import merchants_pb2
from services.merchants.errors import LogoRefused
from services.merchants.rules.logos import MAX_BYTES, Logo, logo_of
from tests.kit.cost import assert_quick
from tests.services.merchants.logos import a_picture, as_text


def read(content: bytes) -> Logo:
    return logo_of(as_text(content))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@pytest.mark.parametrize(
    ("kind", "media_type", "options"),
    [
        ("PNG", "image/png", {}),
        ("PNG", "image/png", {"optimize": True}),
        ("JPEG", "image/jpeg", {}),
        ("JPEG", "image/jpeg", {"progressive": True, "quality": 30}),
        ("JPEG", "image/jpeg", {"restart_marker_rows": 1}),
    ],
)
@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("size", [(1, 1), (200, 60), (1024, 1024)])
def test_common_pngs_and_jpegs_are_read(kind, media_type, options, mode, size):
    content = a_picture(kind, size, mode, **options)
    logo = read(content)
    assert (logo.media_type, logo.content) == (media_type, content)


@pytest.mark.parametrize("mode", ["1", "P", "LA", "RGBA", "I;16"])
def test_pngs_of_every_colour_type_are_read(mode):
    assert read(a_picture("PNG", (20, 10), mode)).media_type == "image/png"


def test_the_contracts_example_is_a_valid_logo():
    field = merchants_pb2.PutLogoRequest.DESCRIPTOR.fields_by_name["picture"]
    rules = [value for _, value in field.GetOptions().ListFields()]
    assert logo_of(rules[0].example).media_type == "image/png"


def test_the_id_is_short_and_changes_with_the_picture_only():
    one, other = a_picture("PNG", (10, 10)), a_picture("PNG", (10, 11))
    assert read(one).id == read(one).id != read(other).id
    assert len(read(one).id) == 24


def test_a_jpeg_with_metadata_is_read():
    exif = Image.Exif()
    exif[0x010E] = "a logo"
    assert read(a_picture("JPEG", (10, 10), exif=exif)).media_type == "image/jpeg"


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("size", [(1025, 1), (1, 1025)])
def test_a_side_that_is_too_long_is_refused_with_its_length(kind, size):
    with pytest.raises(LogoRefused, match=f"{size[0]} x {size[1]} pixels"):
        read(a_picture(kind, size))


def test_too_many_bytes_are_refused():
    with pytest.raises(LogoRefused, match="32768 are allowed"):
        read(a_picture("PNG", (10, 10)) + bytes(MAX_BYTES))


@pytest.mark.parametrize("kind", ["GIF", "BMP", "WEBP", "TIFF"])
def test_other_formats_are_refused(kind):
    with pytest.raises(LogoRefused, match="neither PNG nor JPEG"):
        read(a_picture(kind, (10, 10)))


@pytest.mark.parametrize("text", ["", "é", "no base64", "iVBORw0", as_text(b"<svg/>")])
def test_text_that_is_not_a_picture_is_refused(text):
    with pytest.raises(LogoRefused):
        logo_of(text)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_picture_with_trailing_data_is_refused(kind):
    with pytest.raises(LogoRefused, match="data after its end"):
        read(a_picture(kind, (10, 10)) + b"<script>alert(1)</script>")


def test_malformed_pngs_are_refused():
    png = a_picture("PNG", (10, 10))
    header, rest = png[:33], png[33:]
    end = chunk(b"IEND", b"")
    for wrong in (
        png[:8],
        png[:8] + end,
        header + end,
        header + header[8:] + rest,
        png[:20] + bytes([png[20] ^ 1]) + png[21:],
        png[:8] + chunk(b"IHDR", bytes(12)) + rest,
        png[:8] + chunk(b"IHDR", bytes(13)) + rest,
    ):
        with pytest.raises(LogoRefused):
            read(wrong)


def test_a_jpeg_without_a_frame_is_refused():
    for wrong in (b"\xff\xd8\xff\xd9", b"\xff\xd8", b"\xff\xd8\x00", b"\xff\xd8\xff\xff\xd9"):
        with pytest.raises(LogoRefused):
            read(wrong)


@given(kind=st.sampled_from(["PNG", "JPEG"]), share=st.floats(0, 0.999))
def test_a_picture_that_is_cut_off_is_refused(kind, share):
    content = a_picture(kind, (40, 20))
    with pytest.raises(LogoRefused):
        read(content[: int(len(content) * share)])


@given(
    tail=st.binary(max_size=200), start=st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8"])
)
def test_no_bytes_are_more_than_refused(start, tail):
    try:
        logo = read(start + tail)
    except LogoRefused:
        return
    assert base64.b64decode(as_text(logo.content)) == start + tail
    assert io.BytesIO(logo.content).read(2) in (b"\x89P", b"\xff\xd8")


def png(*chunks: bytes, side: int = 1) -> bytes:
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks)


BOMB = zlib.compress(bytes(30_000_000))
WORST = {
    "many chunks": png(chunk(b"IDAT", b"x") * 2450),
    "a bomb in the pixels": png(chunk(b"IDAT", BOMB), side=60_000),
    "a bomb in a comment": png(chunk(b"zTXt", b"a\0\0" + BOMB)),
    "a long scan": b"\xff\xd8\xff\xda\x00\x08" + b"\xff\x00" * 16_000,
    "many markers": b"\xff\xd8" + b"\xff" * 32_000,
    "too long": b"\xff" * 33_000,
}


@pytest.mark.parametrize("kind", WORST)
def test_the_worst_pictures_are_refused_quickly(kind: str):
    """Nothing is decompressed here, so it is safe to read it on the event loop."""
    text = as_text(WORST[kind])

    def work():
        with pytest.raises(LogoRefused):
            logo_of(text)

    assert_quick(work, within=0.05)
