"""Options that several commands share."""

from typing import Annotated, TypeAlias

import typer

MerchantId: TypeAlias = Annotated[
    str, typer.Option("--merchant", envvar="INCASSO_MERCHANT", help="For whom: mer_….")
]
Limit: TypeAlias = Annotated[int, typer.Option(min=1, max=100, help="How many at most.")]
Cursor: TypeAlias = Annotated[str, typer.Option(help="Where the page before ended.")]
