"""What a saved view keeps of the address of a list: its filters, nothing else. Pure."""

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, urlencode


def query_of(asked: Mapping[str, str], names: Sequence[str]) -> str:
    """Those of `names` that say something, in their order: `state=paid&order_reference=L-77`."""
    return urlencode([(name, asked[name]) for name in names if asked.get(name)])


def known_query(query: str, names: Sequence[str]) -> str:
    """Of a query that was kept, what the list still knows."""
    return query_of(dict(parse_qsl(query)), names)
