"""How many examples a costly generated test tries: few while one waits for it, twenty times as many with THOROUGH=1."""

import os

THOROUGH = os.environ.get("THOROUGH", "") not in {"", "0"}


def examples(usual: int) -> int:
    return usual * 20 if THOROUGH else usual
