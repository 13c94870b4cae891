"""A storefront's first payment, with the client that openapi-python-client generates from the document.

Arguments: address, secret key, order. Prints the payment as JSON.
"""

import json
import sys
from datetime import UTC, datetime

from incasso_client import AuthenticatedClient
from incasso_client.api.one_click import (
    attach_instrument,
    create_customer,
    create_one_click_payment,
)
from incasso_client.api.payments import get_payment
from incasso_client.models import (
    AttachInstrumentRequest,
    CaptureMode,
    Consent,
    CreateCustomerRequest,
    CreateOneClickPaymentRequest,
    Customer,
    Instrument,
    MoneyInput,
    Payment,
)

url, secret_key, order = sys.argv[1:]
incasso = AuthenticatedClient(base_url=url, token=secret_key)


def answered(kind, answer):
    if not isinstance(answer, kind):
        raise SystemExit(f"not a {kind.__name__}: {answer}")
    return answer


customer = answered(
    Customer,
    create_customer.sync(
        client=incasso,
        body=CreateCustomerRequest(email="giulia@example.com", name="Giulia Bianchi", locale="it"),
    ),
)
answered(
    Instrument,
    attach_instrument.sync(
        customer.id,
        client=incasso,
        idempotency_key=f"card-{order}",
        body=AttachInstrumentRequest(
            psp_account="sandbox-a",
            token="tok_visa",
            make_default=True,
            consent=Consent(text_version="2026-11", accepted_at=datetime.now(UTC)),
        ),
    ),
)
clicked = answered(
    Payment,
    create_one_click_payment.sync(
        client=incasso,
        idempotency_key=order,
        body=CreateOneClickPaymentRequest(
            customer_id=customer.id,
            amount=MoneyInput(amount_minor=5990, currency="EUR"),
            order_reference=order,
            capture=CaptureMode.NOW,
        ),
    ),
)
payment = answered(Payment, get_payment.sync(clicked.id, client=incasso))
print(json.dumps(payment.to_dict()))
