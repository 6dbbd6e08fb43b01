"""What a token may be allowed to do."""

from typing import Final

JOBS_READ: Final = "jobs:read"
JOBS_WRITE: Final = "jobs:write"
RESULTS_READ: Final = "results:read"
ACCOUNT_READ: Final = "account:read"
ACCOUNT_WRITE: Final = "account:write"

#: Each scope, and what it allows, for people.
SCOPES: Final = {
    JOBS_READ: "See jobs, their progress and their logs",
    JOBS_WRITE: "Upload files; cancel, retry, restore and delete jobs; remove exports",
    RESULTS_READ: "Download results, read their variants and make exports of them",
    ACCOUNT_READ: "See the account, its plan, usage, tokens and webhooks",
    ACCOUNT_WRITE: "Change webhooks and revoke tokens",
}
ALL: Final = frozenset(SCOPES)
