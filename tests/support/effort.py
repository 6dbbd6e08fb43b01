"""How many examples a costly generated test tries: few while one waits for it, ten times as many with THOROUGH=1."""

import os

THOROUGH = os.environ.get("THOROUGH", "") not in {"", "0"}


def examples(usual: int) -> int:
    return usual * 10 if THOROUGH else usual
