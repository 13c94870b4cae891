from incasso.merchants.v1 import merchants_pb2
from incasso.paylink.v1 import shop_pb2
from libs.errors import Kind, RemoteRefusal
from tests.services.gateway.test_transcoder import problem


async def test_a_logo_is_served_as_immutable(gateway):
    gateway.services.answers["GetLogo"] = merchants_pb2.GetLogoResponse(
        picture=b"\x89PNG", media_type="image/png"
    )
    async with gateway.request("GET", "/logos/abc", key=None) as response:
        assert await response.read() == b"\x89PNG"
        assert response.content_type == "image/png"
        assert "immutable" in response.headers["Cache-Control"]
        assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert gateway.services.last("GetLogo").request.logo_id == "abc"


async def test_a_logo_of_another_media_type_is_served_as_a_byte_stream(gateway):
    gateway.services.answers["GetLogo"] = merchants_pb2.GetLogoResponse(
        picture=b"<script>", media_type="text/html"
    )
    async with gateway.request("GET", "/logos/abc", key=None) as response:
        assert response.content_type == "application/octet-stream"


async def test_an_unknown_logo_is_not_found(gateway):
    gateway.services.answers["GetLogo"] = RemoteRefusal(Kind.NOT_FOUND, "logo_not_found", "No.")
    async with gateway.request("GET", "/logos/abc", key=None) as response:
        await problem(response, 404, "logo_not_found")


async def test_a_product_picture_is_served_from_paylink(gateway):
    gateway.services.answers["GetProductPicture"] = shop_pb2.GetProductPictureResponse(
        picture=b"\xff\xd8", media_type="image/jpeg"
    )
    async with gateway.request("GET", "/pictures/abc", key=None) as response:
        assert await response.read() == b"\xff\xd8"
        assert response.content_type == "image/jpeg"
    assert gateway.services.last("GetProductPicture").request.picture_id == "abc"
