"""Which consumer answers which socket address. Relays show a secret, people a session and this site's Origin."""

from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from django.urls import path, re_path

from consult.live.inbox import Inbox
from consult.live.nowhere import Nowhere
from consult.live.origin import OwnOriginOnly
from consult.live.recordings import RecordingLink
from consult.live.relays import RelayLink
from consult.live.room import Room

people = OwnOriginOnly(
    AuthMiddlewareStack(
        URLRouter(
            [
                path("ws/inbox/", Inbox.as_asgi()),
                path("ws/consultations/<int:pk>/room/", Room.as_asgi()),
                re_path(r"", Nowhere.as_asgi()),
            ]
        )
    )
)
sockets = URLRouter(
    [
        path("ws/relay/", RelayLink.as_asgi()),
        path("ws/relay/recordings/", RecordingLink.as_asgi()),
        re_path(r"", people),  # type: ignore[arg-type]
    ]
)
