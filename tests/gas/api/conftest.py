"""What tests of the API share: tokens, and requests that carry one."""

from collections.abc import Callable

import pytest

from gas.users.models import User
from tests.support.api_program import Program, make_token


@pytest.fixture
def program(person: User) -> Program:
    """A program of the person, with every scope."""
    return Program(make_token(person))


@pytest.fixture
def program_of() -> Callable[..., Program]:
    def make(owner: User, *scopes: str) -> Program:
        return Program(make_token(owner, *scopes))

    return make
