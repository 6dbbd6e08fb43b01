"""The one way in which this room locks people."""

from uuid import UUID

from gas.users.models import User


def lock_people(*pks: UUID) -> dict[UUID, User]:
    """Within a transaction: these people's rows, by id, locked until its end; who is gone is not among them.

    All that a transaction will touch are locked at once and in one order, whoever writes included: two members of
    staff who grant each other something wait for each other, and for ever if each began with the other's row. No key
    is changed, so that rows which only refer to these people may be written meanwhile.
    """
    people = User.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=pks).order_by("pk")
    return {one.pk: one for one in people}
