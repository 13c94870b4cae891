// A storefront's first payment with the client that openapi-typescript makes of the document.
// Arguments: address, secret key, order. Prints the payment as JSON.
import createClient from "openapi-fetch";
import type { components, paths } from "./incasso.js";

declare const process: { argv: [string, string, string, string, string] };

const [, , baseUrl, secretKey, order] = process.argv;
const incasso = createClient<paths>({
  baseUrl,
  headers: { Authorization: `Bearer ${secretKey}` },
});

function answered<Body>(answer: { data?: Body; error?: components["schemas"]["Problem"] }): Body {
  if (answer.data === undefined) throw new Error(`${answer.error?.code}: ${answer.error?.detail}`);
  return answer.data;
}

const customer = answered(
  await incasso.POST("/v1/customers", {
    body: { email: "giulia@example.com", name: "Giulia Bianchi", locale: "it" },
  }),
);
answered(
  await incasso.POST("/v1/customers/{customer_id}/instruments", {
    params: {
      path: { customer_id: customer.id },
      header: { "Idempotency-Key": `card-${order}` },
    },
    body: {
      psp_account: "sandbox-a",
      token: "tok_visa",
      make_default: true,
      consent: { text_version: "2026-11", accepted_at: new Date().toISOString() },
    },
  }),
);
const clicked = answered(
  await incasso.POST("/v1/one-click-payments", {
    params: { header: { "Idempotency-Key": order } },
    body: {
      customer_id: customer.id,
      amount: { amount_minor: 5990, currency: "EUR" },
      order_reference: order,
      capture: "now",
    },
  }),
);
const payment = answered(
  await incasso.GET("/v1/payments/{payment_id}", { params: { path: { payment_id: clicked.id } } }),
);
console.log(JSON.stringify(payment));
