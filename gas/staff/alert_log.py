"""Send unhandled errors of the site as alerts: one mail per kind and period, without data of the request."""

import logging


class AlertHandler(logging.Handler):
    """Handler of the logger `django.request`, whose errors are unhandled exceptions."""

    def emit(self, record: logging.LogRecord) -> None:
        from gas.staff.alerts import alert  # noqa: PLC0415  (logging is configured before there are models)

        try:
            alert(*_describe(record))
        except Exception:
            self.handleError(record)


def _describe(record: logging.LogRecord) -> tuple[str, str]:
    request = getattr(record, "request", None)
    match = getattr(request, "resolver_match", None)
    page = match.view_name or match.route if match else "a page"
    raised = record.exc_info[0] if record.exc_info else None
    error = raised.__name__ if raised else "An error"
    return f"{error} on {page}", f"Look for “{error}” in the log of the web processes."
