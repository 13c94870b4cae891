"""The only file, besides the payments kit, that calls oneclick: creates a customer from a payer."""

from incasso.oneclick.v1 import oneclick_pb2
from libs.payments.certain import move
from libs.payments.saved_cards import SavedCards
from services.paylink.rules.guests import Guest


class Customers(SavedCards):
    """Customers, including new ones."""

    async def create(self, who: Guest, *, key: str) -> str:
        """The customer's id; for the same key the same one. Raises as `move`."""
        request = oneclick_pb2.CreateCustomerRequest(
            email=who.email, name=who.name, locale=who.locale
        )
        answer = await move(self.stub.CreateCustomer, request, key=key)
        customer_id: str = answer.customer.id
        return customer_id
