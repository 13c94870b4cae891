"""Which format of a list a caller wants."""

import pytest

from libs.tables.model import Format
from services.gateway.rules.accepting import wanted

XLSX = Format.XLSX.media_type
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"


@pytest.mark.parametrize(
    ("header", "form"),
    [
        ("text/csv", Format.CSV),
        ("TEXT/CSV ; charset=utf-8", Format.CSV),
        (XLSX, Format.XLSX),
        ("application/vnd.apache.parquet", Format.PARQUET),
        ("text/csv, application/json", Format.CSV),
        ("application/json, text/csv", None),
        ("application/json;q=0.5, text/csv;q=0.6", Format.CSV),
        ("text/html, text/csv", Format.CSV),
        ("*/*, text/csv", None),
        ("*/*;q=0.1, text/csv", Format.CSV),
        ("text/csv;q=0", None),
        ("text/csv;q=nan", None),
        ("text/csv;q=x", None),
        ("text/csv;q=-1", None),
        ("text/plain", None),
        (BROWSER, None),
        (",;,;q=", None),
        ("", None),
    ],
)
def test_a_file_is_sent_only_if_its_media_type_is_named_and_preferred(header, form):
    assert wanted([header]) is form


def test_several_accept_headers_are_merged_and_none_means_no_file():
    assert wanted(["application/json;q=0.2", "text/csv"]) is Format.CSV
    assert wanted([]) is None
