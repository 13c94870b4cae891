"""SQL of quotes."""

from typing import Final

from libs import rows
from services.instalments.rules.quotes import Quote

QUOTES: Final = rows.Table("quotes", Quote)
