"""How long each call may take, in seconds: the whole chain, from the PSP outwards.

Whoever waits gives a callee longer than the callee gives whom it asks itself. A caller who gives up
first does not know what is being done, and asks again for what is still under way.
"""

from typing import Final

PSP: Final = 10.0  # one call of a PSP; recovery asks after it
MONEY: Final = 25.0  # of payments: two PSPs, one after the other
SAVING: Final = 27.0  # of oneclick, which asks payments to save a card
GIVING_UP: Final = 27.0  # of instalments, which asks payments to cancel a payment
CALL: Final = 30.0  # of a method service, which may ask payments for money
QUESTION: Final = 15.0  # of payments, which asks one PSP
READ: Final = 5.0  # what a service knows itself
PAGE: Final = 15.0  # what a service puts together from what two others know
BRIEF: Final = 2.0  # whoever does without an answer
OFFER: Final = 0.5  # a checkout is shown without the method that does not answer
UPLOAD: Final = 3600.0  # a large file, with all that is made of it
STOP: Final = 30.0  # calls under way when a process stops
