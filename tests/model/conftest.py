"""The model's machine, one for each test, whose every example begins with it empty."""

import logging
from collections.abc import Iterator

import pytest

from gas.users.models import User
from tests.model.world import World
from tests.support.glacier_standin import StandIn


@pytest.fixture
def world(aws: StandIn, queued: None, transactional_db: None, person: User) -> Iterator[World]:
    logging.disable(logging.CRITICAL)  # thousands of accidents
    try:
        with pytest.MonkeyPatch.context() as patch:
            yield World(aws, person, patch)
    finally:
        logging.disable(logging.NOTSET)
