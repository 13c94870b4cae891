"""Every address of the shopper pages."""

from aiohttp import web

from services.gateway.config import Config
from services.gateway.pay import guard, handlers, live, shop
from services.gateway.pay.backend import Paylink
from services.gateway.transcoder import Edge
from services.gateway.upstreams import Upstreams


def add(app: web.Application, config: Config, upstreams: Upstreams, edge: Edge) -> None:
    paylink = Paylink(upstreams)
    pay = handlers.PayPages(paylink, edge, config.public_url)
    shops = shop.ShopPages(paylink, edge, config.public_url)
    streams = live.Live(paylink, edge)
    app.on_shutdown.append(streams.stop)
    page = guard.as_page
    app.add_routes(
        [
            web.get(handlers.RETURN, page(pay.come_back), allow_head=False),
            web.get(handlers.PAGE, page(pay.show)),
            web.get(live.PATH, streams.stream, allow_head=False),
            web.get(handlers.STOP, page(pay.show_stop)),
            web.get(handlers.FORM, page(pay.go_back)),
            web.post(handlers.FORM, page(pay.submit)),
            web.get(shop.PATH, page(shops.show)),
            web.get(shop.BUY, page(shops.go_back)),
            web.post(shop.BUY, page(shops.buy)),
        ]
    )
