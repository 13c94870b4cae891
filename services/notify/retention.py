"""How long notify keeps what it knows. Pure numbers, by the world's clock."""

from datetime import timedelta
from typing import Final

# Events, and deliveries after their end: longer than anybody replays, and they name shoppers.
EVENTS: Final = timedelta(days=90)
# Who got a message: a card payment can be disputed for 13 months at most. The message stays.
RECIPIENTS: Final = timedelta(days=396)
# News of messages that we have not heard of: the provider tells before we have stored, or never.
NOTICES: Final = timedelta(days=7)
