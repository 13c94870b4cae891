"""Options that several commands share."""

from typing import Annotated, TypeAlias

import typer

MerchantId: TypeAlias = Annotated[
    str, typer.Option("--merchant", envvar="INCASSO_MERCHANT", help="The merchant: mer_….")
]
Limit: TypeAlias = Annotated[int, typer.Option(min=1, max=100, help="Maximum number of rows.")]
Cursor: TypeAlias = Annotated[str, typer.Option(help="Cursor of the next page.")]
