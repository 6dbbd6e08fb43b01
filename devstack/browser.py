"""What a person's browser keeps between two pages."""

from typing import Self

import requests


class Browser:
    """One session: its cookies and connections, until it is closed."""

    def __init__(self) -> None:
        self.session = requests.Session()
        self.session.trust_env = False  # no proxy between one machine and itself

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.session.close()
