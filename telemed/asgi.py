"""The ASGI application: HTTP to Django, sockets to Channels behind the Origin check."""

import os

import django
from channels.routing import ProtocolTypeRouter

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "telemed.settings")
django.setup(set_prefix=False)

from consult.live.routing import sockets  # noqa: E402  (needs the models that setup loads)
from telemed.streaming import Handler  # noqa: E402

http = Handler()

application = ProtocolTypeRouter({"http": http, "websocket": sockets})
