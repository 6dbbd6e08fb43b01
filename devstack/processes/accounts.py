"""The demo and the staff account of a fresh stack, ready to sign in."""

from allauth.account.models import EmailAddress
from django.contrib.auth import get_user_model


def make_account(*, email: str, name: str, password: str, staff: bool = False) -> None:
    """An account whose address counts as verified; superuser if `staff`. An existing one gets the password."""
    user, _ = get_user_model().objects.get_or_create(email=email)
    user.name = name
    user.is_staff = user.is_superuser = staff
    user.set_password(password)
    user.save()
    EmailAddress.objects.update_or_create(user=user, email=email, defaults={"verified": True, "primary": True})
