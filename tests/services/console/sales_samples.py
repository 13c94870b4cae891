"""What reporting answers in the console's tests about sales and key figures."""

from datetime import date, timedelta

from google.protobuf.message import Message

from incasso.reporting.v1 import kpis_pb2, reports_pb2


def sales(request: reports_pb2.GetReportRowsRequest) -> Message:
    """A row for each day and two methods, more at week-ends."""
    names = ("day", "method", "currency", "sales", "cod_fees", "gross", "refunds", "net")
    first, last = map(date.fromisoformat, (request.booked_from, request.booked_to))
    rows = []
    for place in range((last - first).days + 1):
        on = first + timedelta(days=place)
        for method, share in (("one_click", 60), ("link", 25), ("cod", 15)):
            gross = (900 + 37 * (place % 9) + (600 if on.weekday() > 4 else 0)) * share // 100
            refunds = 20 if place % 5 == 0 and method == "link" else 0
            amounts = [f"{value}.00" for value in (gross, 0, gross, -refunds, gross - refunds)]
            rows.append(reports_pb2.ReportRow(values=[on.isoformat(), method, "EUR", *amounts]))
    columns = [reports_pb2.ReportColumn(name=name) for name in names]
    return reports_pb2.GetReportRowsResponse(columns=columns, data=rows)


def kpis() -> Message:
    steps = [
        kpis_pb2.ConversionStep(step="offered", reached=1000),
        kpis_pb2.ConversionStep(step="paid", reached=870, reached_before=900),
    ]
    return kpis_pb2.GetKpisResponse(
        conversion=[
            kpis_pb2.MethodConversion(method="one_click"),
            kpis_pb2.MethodConversion(method="link", steps=steps),
        ],
        one_click_acceptance=kpis_pb2.OneClickAcceptance(
            asked=100, paid=80, rate_basis_points=8000
        ),
        order_value=kpis_pb2.OrderValue(revenue_minor=9_590_000, orders=950, average_minor=10_095),
        order_values=[
            kpis_pb2.MethodOrderValue(
                method=method,
                with_it=kpis_pb2.OrderValue(orders=80, average_minor=9_000),
                without_it=kpis_pb2.OrderValue(orders=870, average_minor=10_200),
            )
            for method in ("one_click", "link")
        ],
        carts=kpis_pb2.CartRecovery(
            sent=40, sent_minor=300000, recovered=12, recovered_minor=91200, rate_basis_points=3000
        ),
    )
