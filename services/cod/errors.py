"""Every way in which cash on delivery says no."""

from libs.errors import Kind, Refusal


class CourierNotFound(Refusal, kind=Kind.NOT_FOUND, reason="courier_not_found"):
    message = "There is no courier with this id."


class CourierArchived(Refusal, kind=Kind.CONFLICT, reason="courier_archived"):
    message = "The courier is archived and cannot be changed; create another."


class TooManyCouriers(Refusal, kind=Kind.CONFLICT, reason="too_many_couriers"):
    message = "There are 50 active couriers; archive one that is not offered any more."


class FeeWarningNotAcknowledged(Refusal, kind=Kind.CONFLICT, reason="fee_warning_not_acknowledged"):
    """`facts` have the version of the warning."""

    message = (
        "A fee that consumers pay for a means of payment is legally risky: read the settings'"
        " fee_warning, and say in acknowledgement who has read which version."
    )
