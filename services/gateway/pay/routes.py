"""All routes of the shopper pages."""

from aiohttp import web

from libs.upstreams import Upstreams
from services.gateway.config import Config
from services.gateway.pay import cod, event_stream, handlers, plan, shop, survey
from services.gateway.pay.cod_client import Cod
from services.gateway.pay.instalments_client import Instalments
from services.gateway.pay.paylink_client import Paylink
from services.gateway.pay.reporting_client import Surveys
from services.gateway.transcoder import Edge


def add(app: web.Application, config: Config, upstreams: Upstreams, edge: Edge) -> None:
    paylink = Paylink(upstreams)
    surveys = Surveys(upstreams)
    pay = handlers.PayPages(paylink, surveys, edge, config.public_url)
    shops = shop.ShopPages(paylink, edge, config.public_url)
    plans = plan.PlanPages(Instalments(upstreams), edge, config.public_url)
    orders = cod.CodPages(Cod(upstreams), edge, config.public_url)
    asked = survey.SurveyPages(surveys, edge, config.public_url)
    streams = event_stream.EventStreams(paylink, edge)
    app.on_shutdown.append(streams.stop)
    app.add_routes(
        [
            web.get(handlers.RETURN, pay.come_back, allow_head=False),
            web.get(handlers.PAGE, pay.show),
            web.get(event_stream.PATH, streams.stream, allow_head=False),
            web.get(handlers.STOP, pay.show_stop),
            web.get(handlers.FORM, pay.go_back),
            web.post(handlers.FORM, pay.submit),
            web.get(plan.RETURN, plans.come_back),
            web.get(plan.PAGE, plans.show),
            web.get(plan.FORM, plans.go_back),
            web.post(plan.FORM, plans.submit),
            web.get(plan.DOCUMENT, plans.go_back),
            web.post(plan.DOCUMENT, plans.hand_over),
            web.get(cod.PAGE, orders.show),
            web.get(cod.FORM, orders.go_back),
            web.post(cod.FORM, orders.submit),
            web.get(survey.PAGE, asked.show),
            web.get(survey.FORM, asked.go_back),
            web.post(survey.FORM, asked.submit),
            web.get(shop.PATH, shops.show),
            web.get(shop.BUY, shops.go_back),
            web.post(shop.BUY, shops.buy),
        ]
    )
