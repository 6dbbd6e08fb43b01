"""Every setting of the service, read from the environment and nowhere else.

Each name is documented in docs/settings.md; a test fails when one is missing there. A production process
that lacks a required value does not start: there are no secrets by default.

One module because the environment is read nowhere else.
"""

import os
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from environs import Env, validate

from gas.aws.mail import mail_config

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env()
#: gas/checks.py looks for misspelt ones among them.
ENVIRONMENT_NAMES = frozenset(os.environ)

# --- The site -------------------------------------------------------------------------------------------

DEBUG: bool = env.bool("DEBUG", False)
SECRET_KEY: str = env.str("SECRET_KEY")
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", [])
SITE_NAME: str = env.str("SITE_NAME", "Genomics Annotation Service")
SITE_URL: str = env.str("SITE_URL").rstrip("/")
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", [urlsplit(SITE_URL).hostname or ""])
SUPPORT_EMAIL: str = env.str("SUPPORT_EMAIL", "support@gas.example")
ALERT_EMAILS: list[str] = env.list("ALERT_EMAILS", [])
ADMINS = [("Staff", address) for address in ALERT_EMAILS]
ALERT_PERIOD_SECONDS: int = env.int("ALERT_PERIOD_SECONDS", 3600, validate=validate.Range(min=1))
EMAIL_SUBJECT_PREFIX = f"[{SITE_NAME}] "
LOG_LEVEL: str = env.str("LOG_LEVEL", "INFO")
#: The embedded stack for one machine; adds its own app, and static files straight from their sources.
DEVSTACK: bool = env.bool("DEVSTACK", False)
DEVSTACK_MAIL_URL: str = env.str("DEVSTACK_MAIL_URL", "")

# --- AWS ------------------------------------------------------------------------------------------------
# Credentials are boto3's business: an instance role in production, AWS_* variables elsewhere.

AWS_REGION: str = env.str("AWS_REGION", "us-east-1")
AWS_ENDPOINT_URL: str = env.str("AWS_ENDPOINT_URL", "")
S3_INPUTS_BUCKET: str = env.str("S3_INPUTS_BUCKET", "gas-inputs")
S3_RESULTS_BUCKET: str = env.str("S3_RESULTS_BUCKET", "gas-results")
SQS_QUEUE_URL_BASE: str = env.str("SQS_QUEUE_URL_BASE")
CELERY_BROKER_URL: str = env.str("CELERY_BROKER_URL", "sqs://")
SQS_WAIT_SECONDS: int = env.int("SQS_WAIT_SECONDS", 10)
#: Where results are archived: the Glacier vault service, or S3's Glacier storage classes.
ARCHIVE_ROUTE: str = env.str("ARCHIVE_ROUTE", "vault", validate=validate.OneOf(["vault", "class"]))
GLACIER_VAULT: str = env.str("GLACIER_VAULT", "gas-archive")
GLACIER_STORAGE_CLASS: str = env.str(
    "GLACIER_STORAGE_CLASS", "GLACIER", validate=validate.OneOf(["GLACIER", "DEEP_ARCHIVE"])
)
#: The vault service takes parts of a power of two MiB, up to 4 GiB.
ARCHIVE_PART_BYTES: int = env.int(
    "ARCHIVE_PART_BYTES", 64 * 1024**2, validate=validate.OneOf([1024**2 << power for power in range(13)])
)
GLACIER_NOTICES_QUEUE: str = env.str("GLACIER_NOTICES_QUEUE", "")
NOTICES_SECONDS: float = env.float("NOTICES_SECONDS", 30.0)
INVENTORY_DAYS: int = env.int("INVENTORY_DAYS", 7, validate=validate.Range(min=0))
STORAGE_SCAN_HOURS: int = env.int("STORAGE_SCAN_HOURS", 24, validate=validate.Range(min=0))
STORAGE_SCAN_PAGES: int = env.int("STORAGE_SCAN_PAGES", 100, validate=validate.Range(min=1))
RESTORE_COPY_DAYS: int = env.int("RESTORE_COPY_DAYS", 2, validate=validate.Range(min=1))

# --- Uploads and downloads ------------------------------------------------------------------------------

UPLOAD_MAX_BYTES: int = env.int("UPLOAD_MAX_BYTES", 150 * 1024)
#: What S3 keeps as one object of 10,000 parts; it calls 5 TiB "5 TB".
PREMIUM_UPLOAD_MAX_BYTES: int = env.int(
    "PREMIUM_UPLOAD_MAX_BYTES", 5 * 1024**3, validate=validate.Range(max=5 * 1024**4)
)
#: S3 takes no part under 5 MiB, and no form over 5 GiB.
UPLOAD_PART_BYTES: int = env.int(
    "UPLOAD_PART_BYTES", 16 * 1024**2, validate=validate.Range(min=5_242_880, max=5 * 1024**3)
)
UPLOAD_RESUME_SECONDS: int = env.int("UPLOAD_RESUME_SECONDS", 3 * 86_400)
UPLOADS_PER_HOUR: int = env.int("UPLOADS_PER_HOUR", 600)
MAX_ACTIVE_JOBS: int = env.int("MAX_ACTIVE_JOBS", 100)
UPLOAD_EXPIRES_SECONDS: int = env.int("UPLOAD_EXPIRES_SECONDS", 3600)
DOWNLOAD_EXPIRES_SECONDS: int = env.int("DOWNLOAD_EXPIRES_SECONDS", 300)

# --- Work -----------------------------------------------------------------------------------------------

ANNOTATE_EXPANDED_MAX_BYTES: int = env.int("ANNOTATE_EXPANDED_MAX_BYTES", 64 * 1024**2)
PREMIUM_EXPANDED_MAX_BYTES: int = env.int("PREMIUM_EXPANDED_MAX_BYTES", 64 * 1024**3)
ANNOTATE_OUTPUT_MAX_BYTES: int = env.int("ANNOTATE_OUTPUT_MAX_BYTES", 128 * 1024**2)
PREMIUM_OUTPUT_MAX_BYTES: int = env.int("PREMIUM_OUTPUT_MAX_BYTES", 128 * 1024**3)
ANNOTATE_MEMORY_BYTES: int = env.int("ANNOTATE_MEMORY_BYTES", 1024**3)
ANNOTATE_SOFT_LIMIT_SECONDS: int = env.int("ANNOTATE_SOFT_LIMIT_SECONDS", 1500)
ANNOTATE_HARD_LIMIT_SECONDS: int = env.int("ANNOTATE_HARD_LIMIT_SECONDS", 1800)
#: SQS redelivers a message that was not deleted in this time: longer than any task may run.
VISIBILITY_TIMEOUT_SECONDS: int = int(ANNOTATE_HARD_LIMIT_SECONDS * 1.1)
LEASE_SECONDS: float = env.float("LEASE_SECONDS", 60.0)
SWEEP_SECONDS: float = env.float("SWEEP_SECONDS", 60.0)
CLOCK_SKEW_SECONDS: float = env.float("CLOCK_SKEW_SECONDS", 5.0, validate=validate.Range(min=1))
RESEND_AFTER_SECONDS: float = env.float("RESEND_AFTER_SECONDS", 120.0)
FAULT_ALERT_SECONDS: float = env.float("FAULT_ALERT_SECONDS", 86_400.0, validate=validate.Range(min=60))
MAX_ATTEMPTS: int = env.int("MAX_ATTEMPTS", 5)
WORK_DIR: Path | None = env.path("WORK_DIR", None)
REFERENCES_DIR: Path | None = env.path("REFERENCES_DIR", None)
#: bucket/prefix: where reference packs are published, and where workers have those from that their machine lacks.
REFERENCES_S3: str = env.str("REFERENCES_S3", "").strip("/")
if REFERENCES_S3 and REFERENCES_DIR is None:
    raise ImproperlyConfigured("REFERENCES_S3 needs REFERENCES_DIR, where packs that come from it are kept")
#: A free person's result is archived so long after it is ready.
ARCHIVE_AFTER_SECONDS: float = env.float("ARCHIVE_AFTER_SECONDS", 300.0)
EXPEDITED_EVERY_DAYS: float = env.float("EXPEDITED_EVERY_DAYS", 30.0, validate=validate.Range(min=0))
#: What somebody has when they leave Premium stays in S3 for this long.
DOWNGRADE_NOTICE_SECONDS: float = env.float("DOWNGRADE_NOTICE_SECONDS", 7 * 86_400.0, validate=validate.Range(min=0))
ARCHIVE_KEEP_RESTORED: bool = env.bool("ARCHIVE_KEEP_RESTORED", False)
MAX_RETRIEVALS: int = env.int("MAX_RETRIEVALS", 5)
RETRIEVAL_ALERT_SECONDS: float = env.float("RETRIEVAL_ALERT_SECONDS", 86_400.0, validate=validate.Range(min=60))
POLL_EXPEDITED_SECONDS: float = env.float("POLL_EXPEDITED_SECONDS", 30.0)
POLL_STANDARD_SECONDS: float = env.float("POLL_STANDARD_SECONDS", 300.0)
PRICE_EXPEDITED_REQUEST: float = env.float("PRICE_EXPEDITED_REQUEST", 0.01)
PRICE_EXPEDITED_GB: float = env.float("PRICE_EXPEDITED_GB", 0.03)
PRICE_STANDARD_REQUEST: float = env.float("PRICE_STANDARD_REQUEST", 0.00005)
PRICE_STANDARD_GB: float = env.float("PRICE_STANDARD_GB", 0.01)
PRICE_S3_WRITE: float = env.float("PRICE_S3_WRITE", 0.000005)
PRICE_S3_READ: float = env.float("PRICE_S3_READ", 0.0000004)
PRICE_GLACIER_REQUEST: float = env.float("PRICE_GLACIER_REQUEST", 0.00003)
PRICE_SQS_REQUEST: float = env.float("PRICE_SQS_REQUEST", 0.0000004)
PRICE_SES_MAIL: float = env.float("PRICE_SES_MAIL", 0.0001)
DEFAULT_REFERENCE: str = env.str("DEFAULT_REFERENCE", "rCRS")

# --- The explorer ---------------------------------------------------------------------------------------

EXPLORER_CACHE_DIR: Path | None = env.path("EXPLORER_CACHE_DIR", None)
EXPLORER_CACHE_BYTES: int = env.int("EXPLORER_CACHE_BYTES", 10 * 1024**3, validate=validate.Range(min=1_048_576))
EXPLORER_MEMORY_BYTES: int = env.int("EXPLORER_MEMORY_BYTES", 192 * 1024**2, validate=validate.Range(min=67_108_864))
EXPLORER_TEMPORARY_BYTES: int = env.int("EXPLORER_TEMPORARY_BYTES", 1024**3, validate=validate.Range(min=0))
EXPLORER_THREADS: int = env.int("EXPLORER_THREADS", 2, validate=validate.Range(min=1))
EXPLORER_ROWS_AT_ONCE: int = env.int("EXPLORER_ROWS_AT_ONCE", 50_000, validate=validate.Range(min=1))
EXPLORER_EXPORT_DAYS: int = env.int("EXPLORER_EXPORT_DAYS", 7, validate=validate.Range(min=1))
EXPLORER_EXPORTS_AT_ONCE: int = env.int("EXPLORER_EXPORTS_AT_ONCE", 2, validate=validate.Range(min=1))
EXPLORER_QUERY_SECONDS: float = env.float("EXPLORER_QUERY_SECONDS", 10.0, validate=validate.Range(min=0.1))

# --- Sharing --------------------------------------------------------------------------------------------

SHARE_MAX_DAYS: int = env.int("SHARE_MAX_DAYS", 365, validate=validate.Range(min=1, max=36_500))

# --- Webhooks -------------------------------------------------------------------------------------------
# They reach the public internet over https only; these two are for the embedded stack, and for one's own network.

WEBHOOK_ALLOW_HTTP: bool = env.bool("WEBHOOK_ALLOW_HTTP", False)
WEBHOOK_ALLOWED_NETWORKS: list[IPv4Network | IPv6Network] = env.list("WEBHOOK_ALLOWED_NETWORKS", [], subcast=ip_network)

# --- Billing --------------------------------------------------------------------------------------------
# Without a key nobody can upgrade, and the pages say so; everything else works.

STRIPE_SECRET_KEY: str = env.str(
    "STRIPE_SECRET_KEY", "", validate=validate.Regexp(r"^((sk|rk)_(test|live)_[a-zA-Z0-9]{24,})?$")
)
STRIPE_LIVE_MODE = "_live_" in STRIPE_SECRET_KEY
STRIPE_PRICE_ID: str = env.str("STRIPE_PRICE_ID", "")
STRIPE_API_BASE: str = env.str("STRIPE_API_BASE", "").rstrip("/")
#: What every request and every webhook is written in. Changed with the `stripe` package, and then tested again.
STRIPE_API_VERSION = "2026-08-26.dahlia"
PAST_DUE_GRACE_DAYS: float = env.float("PAST_DUE_GRACE_DAYS", 7.0)
RECONCILE_SECONDS: float = env.float("RECONCILE_SECONDS", 3600.0)
DJSTRIPE_FOREIGN_KEY_TO_FIELD = "id"

# --- Mail -----------------------------------------------------------------------------------------------

EMAIL_BACKEND: str = env.str("EMAIL_BACKEND", "anymail.backends.amazon_ses.EmailBackend")
DEFAULT_FROM_EMAIL: str = env.str("DEFAULT_FROM_EMAIL", "GAS <no-reply@gas.example>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
ANYMAIL = {
    "AMAZON_SES_CLIENT_PARAMS": {
        "region_name": AWS_REGION,
        "endpoint_url": AWS_ENDPOINT_URL or None,
        "config": mail_config(),
    },
}

# --- Database and cache ---------------------------------------------------------------------------------

DATABASES = {"default": env.dj_db_url("DATABASE_URL")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Writers wait for their turn when they begin, instead of failing half-way with "database is locked".
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
CACHES = {"default": env.dj_cache_url("CACHE_URL", "locmem://")}
if CACHES["default"]["BACKEND"].endswith("RedisCache"):
    CACHES["default"]["BACKEND"] = "gas.cache.RedisOrMemory"
elif CACHES["default"]["BACKEND"].endswith("LocMemCache"):
    CACHES["default"].setdefault("OPTIONS", {}).setdefault("MAX_ENTRIES", 100_000)  # limits are not thrown away
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
if DEVSTACK:
    # dj-stripe's own migrations take a minute: too long for a database that lasts a day.
    MIGRATION_MODULES = {"djstripe": "devstack.djstripe.migrations"}

# --- Django ---------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "csp",
    "anymail",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.idp.oidc",
    "djstripe",
    "gas.web",
    "gas.mail",
    "gas.users",
    "gas.subscriptions",
    "gas.jobs",
    "gas.explorer",
    "gas.webhooks",
    "gas.sharing",
    "gas.api",
]
MIDDLEWARE = [
    "gas.web.health.HealthMiddleware",  # before anything that looks at the host or redirects
    "gas.web.request_ids.RequestIdMiddleware",
    "gas.api.middleware.ApiMiddleware",  # before what may answer with a page
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "gas.users.middleware.SeenMiddleware",
    "gas.users.middleware.NoStoreMiddleware",
    "gas.users.middleware.TimeZoneMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "gas.urls"
WSGI_APPLICATION = "gas.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "gas" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "gas.web.context.site",
            ],
        },
    },
]
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "gas" / "static"]
WHITENOISE_USE_FINDERS = DEBUG or DEVSTACK
if not WHITENOISE_USE_FINDERS:
    STATIC_ROOT: Path = env.path("STATIC_ROOT", BASE_DIR / "var" / "static")
    STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "gas.logs.LineFormatter",
            "format": "{asctime} {levelname} {name} {message}",
            "style": "{",
        }
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line"},
        "staff": {"class": "gas.staff.alert_log.AlertHandler", "level": "ERROR"},
    },
    "loggers": {
        "django": {"handlers": [], "level": "INFO"},  # without Django's own handler, which mails every error
        "django.request": {"handlers": ["staff"]},
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
}

# --- Signing in -----------------------------------------------------------------------------------------

AUTH_USER_MODEL = "users.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "jobs:list"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_LOGOUT_REDIRECT_URL = "landing"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_EMAIL_NOTIFICATIONS = True  # a changed password or address is told by mail
ACCOUNT_ADAPTER = "gas.users.adapters.AccountAdapter"
ACCOUNT_FORMS = {
    "request_login_code": "gas.users.forms.CodeForm",
    "reset_password": "gas.users.forms.ForgottenForm",
}
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = 600  # seconds: mail may take its time
ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True  # before who may sign in, and how, is changed
#: Amount/time/what is counted. The cache holds the counts: with several web processes, CACHE_URL must be shared.
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "20/m/ip,5/300s/key",  # the key is an account and a client's address: see AccountAdapter
    "login_failed_account": "100/h/key",
    "request_login_code": "20/m/ip",
    "reset_password": "20/m/ip",
    "mail_asked": "6/h/key",  # a client and an address: see gas.users.limits
    "mail_address": "30/h/key",
    "mail_at_once": "3/h/key",
    "signup": "20/m/ip",
    "reauthenticate": "10/m/user",
    "change_password": "5/m/user",
    "manage_email": "10/m/user",
}
MFA_ADAPTER = "gas.users.adapters.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_FORMS = {
    "add_webauthn": "gas.users.forms.AddPasskeyForm",
    "authenticate": "gas.users.onetimecodes.OnceAuthenticateForm",
    "reauthenticate": "gas.users.onetimecodes.OnceReauthenticateForm",
}
MFA_TOTP_TOLERANCE = 1  # steps of 30 s: clocks differ
#: Browsers themselves take `localhost`, and nothing else, for secure without TLS.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEVSTACK and SITE_URL.startswith("http://")
#: Globus Auth. Without a client id there is no button, and nobody can sign in by it.
GLOBUS_CLIENT_ID: str = env.str("GLOBUS_CLIENT_ID", "")
GLOBUS_CLIENT_SECRET: str = env.str("GLOBUS_CLIENT_SECRET", "")
GLOBUS_SERVER_URL: str = env.str("GLOBUS_SERVER_URL", "https://auth.globus.org").rstrip("/")
SOCIALACCOUNT_ADAPTER = "gas.users.adapters.SocialAccountAdapter"
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": "globus",
                "name": "Globus",
                "client_id": GLOBUS_CLIENT_ID,
                "secret": GLOBUS_CLIENT_SECRET,
                # What the token says, which Globus issued for this site, and not another answer next to it.
                "settings": {"server_url": GLOBUS_SERVER_URL, "fetch_userinfo": False},
            }
        ]
        if GLOBUS_CLIENT_ID
        else [],
    }
}
#: An address that the provider says is verified signs in to the account that has it, and stays linked to it.
SOCIALACCOUNT_EMAIL_AUTHENTICATION = SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True

#: `gas login`: programs sign in by the device flow, and stay signed in while they are used.
IDP_OIDC_ACCESS_TOKEN_EXPIRES_IN = 3600
IDP_OIDC_REFRESH_TOKEN_EXPIRES_IN = 90 * 86_400
IDP_OIDC_DEVICE_CODE_EXPIRES_IN = 900

# --- The API --------------------------------------------------------------------------------------------

API_REQUESTS_PER_MINUTE: int = env.int("API_REQUESTS_PER_MINUTE", 1200, validate=validate.Range(min=1))

# --- Security -------------------------------------------------------------------------------------------
# Plain HTTP is for one machine; with an https SITE_URL everything that can be made strict is.

HTTPS = SITE_URL.startswith("https://")
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
CSRF_TRUSTED_ORIGINS = [SITE_URL]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
#: Only for who owns the whole domain: it binds every host below SITE_URL's for a year.
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = env.bool("HSTS_WHOLE_DOMAIN", False)
if not SECURE_HSTS_PRELOAD:
    SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]  # a decision, above, and not an oversight
BEHIND_PROXY: bool = env.bool("BEHIND_PROXY", False)
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    ALLAUTH_TRUSTED_PROXY_COUNT = 1  # rate limits are by the visitor's address, not by the balancer's
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_NAME = "gas_session"

_domain = "amazonaws.com.cn" if AWS_REGION.startswith("cn-") else "amazonaws.com"


def _bucket_origin(bucket: str) -> str:
    """Return where a browser finds the objects of a bucket."""
    return AWS_ENDPOINT_URL or f"https://{bucket}.s3.{AWS_REGION}.{_domain}"


_uploads_to = _bucket_origin(S3_INPUTS_BUCKET)
#: The genome view reads results and published references by byte range.
_reads_from = {_bucket_origin(bucket) for bucket in (S3_RESULTS_BUCKET, REFERENCES_S3.partition("/")[0]) if bucket}
_pays_at = [STRIPE_API_BASE] if STRIPE_API_BASE else ["https://checkout.stripe.com", "https://billing.stripe.com"]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "connect-src": ["'self'", *sorted({_uploads_to, *_reads_from})],  # the browser and S3, with nobody in between
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        # A browser applies this to where a form's answer redirects, too: Stripe's Checkout and Billing Portal.
        "form-action": ["'self'", *_pays_at],
        "frame-ancestors": ["'none'"],
    },
}

if DEVSTACK:
    INSTALLED_APPS.append("devstack")
