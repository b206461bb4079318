"""The media relay: forwards RTP packets between the participants of a room, never decodes them.

A program of its own. It imports nothing of the site; the two speak over one WebSocket (`relay.link`).
"""

__version__ = "0.1.0"
