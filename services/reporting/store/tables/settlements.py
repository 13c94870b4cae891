"""Payouts of PSPs and remittances of couriers, and when they arrived."""

from typing import Final

from services.reporting.rules.tables import PERIOD, Report, day, money, text, whole
from services.reporting.store.items import payout_id_sql
from services.reporting.store.tables.moves import GIVEN

REPORT: Final = Report(
    "settlements",
    "Payouts of PSPs and remittances of couriers: gross, fees and net, and the bank line by which"
    " each arrived. Lines not paid out yet have no payout; a payout whose provider does not state its"
    " lines has only a net amount.",
    (
        *day("payout_on"),
        *text("kind", "provider", "payout_reference", "currency"),
        *whole("lines"),
        *money("gross", "fees", "net", "paid_out", "arrived"),
        *day("arrived_on"),
        *text("bank_lines"),
    ),
    PERIOD,
    f"""{GIVEN}, lines AS (
    SELECT * FROM settlement_lines WHERE merchant_id = $1 AND ($4::text IS NULL OR currency = $4)
), expected AS (
    SELECT party, payout_reference, currency, array_agg(id) AS item_ids
    FROM payouts WHERE merchant_id = $1 GROUP BY party, payout_reference, currency
), paid_out AS (
    SELECT CASE WHEN payout_reference IS NOT NULL THEN max(coalesce(payout_on, happened_on)) END
            AS payout_on, source, party, payout_reference, currency, count(*) AS lines,
        sum(gross_minor)::bigint AS gross_minor, (-sum(fee_minor))::bigint AS fees_minor,
        sum(net_minor)::bigint AS net_minor,
        CASE WHEN payout_reference IS NOT NULL THEN sum(net_minor)::bigint ELSE 0 END AS paid_minor,
        item_ids, max(happened_on) AS last_on
    FROM lines LEFT JOIN expected USING (party, payout_reference, currency)
    WHERE kind <> 'payout' GROUP BY source, party, payout_reference, currency, item_ids
    UNION ALL
    SELECT happened_on, source, party, provider_reference, currency, 0, 0, 0, 0, -net_minor,
        ARRAY[{payout_id_sql("id")}], happened_on
    FROM lines WHERE kind = 'payout' AND payout_reference IS NULL
)
SELECT payout_on, source, party, coalesce(payout_reference, ''), paid_out.currency, lines,
    gross_minor, fees_minor, net_minor, paid_minor, coalesce(arrived_minor, 0), arrived_on,
    coalesce(bank_lines, '')
FROM paid_out LEFT JOIN LATERAL (
    SELECT sum(matches.amount_minor)::bigint AS arrived_minor, max(booked_on) AS arrived_on,
        string_agg(line.id, ' ' ORDER BY booked_on, line.id) AS bank_lines
    FROM matches JOIN bank_lines AS line ON line.merchant_id = $1 AND line.id = matches.theirs_id
    WHERE matches.merchant_id = $1 AND matches.ours_id = ANY (item_ids)
) AS arrived ON true
WHERE coalesce(payout_on, last_on) BETWEEN $2 AND $3
ORDER BY payout_on NULLS LAST, source, party, payout_reference, paid_out.currency""",  # noqa: S608 - made of constants
)
