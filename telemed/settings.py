"""Django settings, made from telemed/env.py. Nothing here reads the environment itself."""

from pathlib import Path
from urllib.parse import unquote, urlparse

from csp.constants import NONCE, NONE, SELF
from django.conf import global_settings
from django.utils.translation import gettext_lazy as _

from telemed import buckets
from telemed import env as env_module
from telemed.assets import version

env = env_module.read()
BASE_DIR = env_module.BASE_DIR
DATA_DIR = env.data_dir
VERSION = "0.1.0"

LOCAL = env.debug  # demo data, no TLS
DEBUG = False  # Django's own would keep every question to the database, and ask SQLite twice
SECRET_KEY = env.secret_key or env.kept_secret("django")
RELAY_SECRET = env.relay_secret or env.kept_secret("relay")
RECORDING_KEY = env.recording_key or env.kept_secret("recording")
RECORDING_OLD_KEYS = [key.strip() for key in env.recording_old_keys.split(",") if key.strip()]
SEAL_KEYS = Path(env.seal_keys) if env.seal_keys else DATA_DIR / "secrets" / "seals"
SEAL_TIME_STAMP_URL = env.seal_time_stamp_url
ALLOWED_HOSTS = [host.strip() for host in env.allowed_hosts.split(",") if host.strip()]
CSRF_TRUSTED_ORIGINS = [origin.strip() for origin in env.trusted_origins.split(",") if origin.strip()]
LARGE = bool(env.redis_url)
WORKER = env.worker
HOST, PORT, BEHIND_PROXY, LOG_LEVEL = env.host, env.port, env.behind_proxy, env.log_level
RELAYS, RELAY_PORT, RELAY_PUBLIC_ADDRESS = env.relays, env.relay_port, env.relay_public_address
METRICS_TOKEN, RELAY_METRICS_PORT = env.metrics_token, env.relay_metrics_port
TURN_URLS, TURN_SECRET, TURN_TTL = env.turn_list, env.turn_secret, env.turn_ttl
DICOM_HOST, DICOM_PORT, DICOM_AE_TITLE = env.dicom_host, env.dicom_port, env.dicom_ae_title
DICOM_TLS = env.dicom_tls
MAX_UPLOAD_BYTES = env.max_upload_mb * 1024 * 1024
SLIDE_MAX_BYTES = max(env.slide_max_mb, env.max_upload_mb) * 1024 * 1024

INSTALLED_APPS = [
    "daphne",
    "channels",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "servestatic.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "axes",
    "csp",
    "telemed",
    "consult",
    "imaging",
]

MIDDLEWARE = [
    "telemed.metrics.durations",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "consult.middleware.SessionAgeMiddleware",
    "consult.middleware.LanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "consult.middleware.RefusalMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "telemed.urls"
ASGI_APPLICATION = "telemed.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "consult.context_processors.shell",
            ],
        },
    }
]


def _database() -> dict:
    """SQLite in WAL with immediate write transactions, or PostgreSQL with Django's pool."""
    if not env.database_url:
        DATA_DIR.mkdir(parents=True, exist_ok=True)
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DATA_DIR / "telemed.sqlite3",
            "OPTIONS": {
                "timeout": 10,
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
            },
            "CONN_MAX_AGE": None,  # threads of requests stay, and their connections with them
            "TEST": {"NAME": DATA_DIR / "test.sqlite3"},
        }
    url = urlparse(env.database_url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": url.path.lstrip("/"),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": url.hostname or "",
        "PORT": str(url.port or ""),
        "CONN_MAX_AGE": 0,
        "OPTIONS": {"pool": {"min_size": 1, "max_size": 16, "timeout": 10}},
    }


DATABASES = {"default": _database()}
INSTALLATION = Path(DATABASES["default"]["NAME"]).stem  # keeps installations that share a Redis apart
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CHANNEL_LAYERS = {
    "default": (
        {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [env.redis_url], "prefix": f"{INSTALLATION}."},
        }
        if LARGE
        else {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 1000}}
    )
}

CELERY_BROKER_URL = env.redis_url or "memory://"
CELERY_TASK_DEFAULT_QUEUE = f"telemed.{INSTALLATION}"
CELERY_TASK_IGNORE_RESULT = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_PUBLISH_RETRY = False  # the bell may be missed: the next sweep finds the row
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, float] = (
    {
        "socket_connect_timeout": 2,
        "socket_timeout": 5,
        "visibility_timeout": 60,
        "max_retries": 1,  # kombu tries for six seconds otherwise, while a doctor waits for the page
        "interval_start": 0,
    }
    if LARGE
    else {"polling_interval": 0.1}
)

AUTH_USER_MODEL = "consult.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_TEMPLATE = "registration/locked.html"
AXES_RESET_ON_SUCCESS = True
AXES_IPWARE_PROXY_COUNT = 1 if env.behind_proxy else 0

SESSION_COOKIE_AGE = 12 * 3600  # absolute; idle is checked by SessionAgeMiddleware
SESSION_IDLE_SECONDS = 30 * 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not LOCAL
SECURE_SSL_REDIRECT = not LOCAL
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 0 if LOCAL else 31536000
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not LOCAL
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if env.behind_proxy:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "media-src": [SELF, "blob:"],
        "connect-src": [SELF],
        "worker-src": [SELF, "blob:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
PERMISSIONS_POLICY: dict[str, list[str]] = {
    name: [] for name in ("camera", "microphone", "display-capture", "geolocation", "payment", "usb")
}

_mail = urlparse(env.email_url)
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if env.email_url else 'dummy'}.EmailBackend"
EMAIL_HOST, EMAIL_PORT = _mail.hostname or "", _mail.port or (465 if _mail.scheme == "smtps" else 587)
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = unquote(_mail.username or ""), unquote(_mail.password or "")
EMAIL_USE_SSL = _mail.scheme == "smtps"
EMAIL_USE_TLS = not EMAIL_USE_SSL and bool(_mail.username)
EMAIL_TIMEOUT = 10
EMAIL_FROM, SMS_HOOK_URL, SMS_HOOK_SECRET = env.email_from, env.sms_hook_url, env.sms_hook_secret
PUSH_HOSTS = [host.strip() for host in env.push_hosts.split(",") if host.strip()]
PUSH_CONTACT = env.push_contact
VAPID_SECRET = env.vapid_secret or env.kept_secret("vapid")

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = env.time_zone

ASSETS = version(BASE_DIR / "static", *LOCALE_PATHS)
STATIC_URL = f"static/{ASSETS}/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
SERVESTATIC_USE_FINDERS = LOCAL
SERVESTATIC_AUTOREFRESH = False
SERVESTATIC_MAX_AGE = 31_536_000  # seconds: the address changes with the files, a reload asks for none of a hundred
MEDIA_ROOT = DATA_DIR / "files"
RECORDINGS_ROOT = DATA_DIR / "recordings"
S3_BUCKET, S3_CACHE_BYTES = env.s3_bucket, env.s3_cache_mb * 1024 * 1024
STORAGES = {**global_settings.STORAGES, "kept": buckets.kept(env, MEDIA_ROOT)}

DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_PERMISSIONS = 0o600
DATA_UPLOAD_MAX_NUMBER_FIELDS = 400

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.log_level},
    "loggers": {
        "django": {"handlers": [], "level": env.log_level},
        "django.server": {"level": "WARNING"},
        "celery": {"level": "WARNING"},
        "kombu": {"level": "ERROR"},
        "daphne": {"level": "WARNING"},
        "axes": {"level": "WARNING"},
    },
}
