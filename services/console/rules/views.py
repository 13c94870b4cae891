"""What a saved view keeps of a list's URL: its filters and nothing else. Pure."""

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, urlencode


def query_of(asked: Mapping[str, str], names: Sequence[str]) -> str:
    """The parameters in `names` that are set, in that order: `state=paid&order_reference=L-77`."""
    return urlencode([(name, asked[name]) for name in names if asked.get(name)])


def known_query(query: str, names: Sequence[str]) -> str:
    """The parameters of a saved query that the list still has."""
    return query_of(dict(parse_qsl(query)), names)
