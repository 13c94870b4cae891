"""The one-page shop, as paylink would answer it."""

from incasso.paylink.v1 import pages_pb2
from tests.services.gateway.pay_samples import KEY, euros, merchant


def shop() -> pages_pb2.GetShopPageResponse:
    products = [
        ("prd_1", "Tisana della sera", "Camomilla, melissa e tiglio. 20 filtri.", 690, 10),
        ("prd_2", "Crema mani alla calendula", "75 ml, senza profumo.", 1250, 10),
        ("prd_3", "Buono regalo", "", 5000, 1),
    ]
    return pages_pb2.GetShopPageResponse(
        merchant=merchant(primary_colour="#2e7d32"),
        title="La bottega online",
        description="Erbe, tisane e cosmetici fatti a Torino.\n\nSpediamo in tutta Italia.",
        products=[
            pages_pb2.ShopProduct(
                id=id,
                name=name,
                description=text,
                price=euros(price),
                max_quantity=most,
                picture_id="a-picture" if id == "prd_1" else None,
            )
            for id, name, text, price, most in products  # noqa: A001 - short and local
        ],
        locale="it",
        form_key=KEY,
    )
