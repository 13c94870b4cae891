"""The deadline of each call in seconds: the whole chain, from the PSP outwards.

A caller always waits longer than its callee waits for its own calls. A caller that gives up first
does not know what is being done, and repeats a call that is still in progress.
"""

from typing import Final

PSP: Final = 10.0  # a call to a PSP; recovery follows up
MONEY: Final = 25.0  # payments: two PSPs, one after the other
SAVING: Final = 27.0  # oneclick, which asks payments to save a card
GIVING_UP: Final = 27.0  # instalments, which asks payments to cancel a payment
CALL: Final = 30.0  # a method service, which may ask payments for money
QUESTION: Final = 15.0  # payments, which asks one PSP
READ: Final = 5.0  # data of the service's own
PAGE: Final = 15.0  # data combined from two other services
BRIEF: Final = 2.0  # callers that can do without an answer
OFFER: Final = 0.5  # checkout is shown without the method that does not answer
UPLOAD: Final = 3600.0  # a large file, including its processing
DOWNLOAD: Final = 3600.0  # a large file, including the time that its reader takes
STOP: Final = 30.0  # calls in progress when a process stops
