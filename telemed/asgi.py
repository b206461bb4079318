"""The ASGI application: HTTP to Django, sockets to Channels behind the Origin check."""

import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "telemed.settings")
http = get_asgi_application()

from consult.live.routing import sockets  # noqa: E402  (needs the models that get_asgi_application loads)

application = ProtocolTypeRouter({"http": http, "websocket": sockets})
