"""A participant made of GStreamer's `webrtcbin` (libnice, OpenSSL, libsrtp: nothing of a browser's).

A program for Debian's Python, which has GStreamer's bindings; it imports nothing of ours and `gstreamer.py` starts it.
Its argument is the one video codec it knows. It reads a JSON object a line and answers each with one:

    {"do": "publish"}                                -> {"sdp", "tracks": [{"mid", "source"}]}
    {"do": "subscribe", "tracks": [{"id", "kind"}]}  -> {"sdp", "want": {mid: id}}
    {"do": "answer", "pc", "sdp"}                    -> {}
    {"do": "received"}   -> {"frames": pictures decoded, "size": [width, height] of the last one, "sounds": decoded
                             pieces of sound that are not silence}
    {"do": "confirmed"}  -> {"packets": how many of those it sent the relay says have arrived (transport-cc)}
"""

import array
import json
import re
import sys
import threading

import gi

for name in ("Gst", "GstSdp", "GstWebRTC"):
    gi.require_version(name, "1.0")
from gi.repository import Gst, GstSdp, GstWebRTC  # noqa: E402

TICKS = "audiotestsrc is-live=true wave=ticks ! audio/x-raw,rate=48000,channels=2"
BALL = "videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=640,height=480,framerate=20/1"
MAKE = {
    "OPUS": f"{TICKS} ! opusenc ! rtpopuspay",
    "VP8": f"{BALL} ! vp8enc deadline=1 cpu-used=8 target-bitrate=600000 ! rtpvp8pay picture-id-mode=2",
    "H264": f"{BALL} ! openh264enc complexity=low bitrate=600000 ! video/x-h264,profile=constrained-baseline ! "
    "rtph264pay pt=102 config-interval=-1 aggregate-mode=zero-latency ! "
    "capssetter caps=application/x-rtp,profile-level-id=(string)42e01f",
}
TAKE = {
    "OPUS": "rtpopusdepay ! opusdec ! audioconvert ! audio/x-raw,format=S16LE ! fakesink name=end",
    "VP8": "rtpvp8depay ! vp8dec ! fakesink name=end",
    "H264": "rtph264depay ! h264parse ! openh264dec ! fakesink name=end",
}
# webrtcbin takes the next free payload type for repeats (RFC 4588) of the same m-line without looking at the others:
# these are far enough apart. The extensions are the transport-wide number and the MID.
FORM = (
    'application/x-rtp,media={media},encoding-name={codec},payload={number},{more},extmap-2="urn:ietf:params:rtp-hdrext:'
    'sdes:mid",extmap-1="http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"'
)
FORMS = {
    "OPUS": FORM.format(media="audio", codec="OPUS", number=111, more="clock-rate=48000,encoding-params=(string)2"),
    "VP8": FORM.format(media="video", codec="VP8", number=96, more="clock-rate=90000"),
    "H264": FORM.format(
        media="video",
        codec="H264",
        number=102,
        more="clock-rate=90000,packetization-mode=(string)1,profile-level-id=(string)42e01f",
    ),
}
LOUD = 500
"""Of 32,767: above what an encoder makes of silence."""


class Connection:
    """One `webrtcbin` in a pipeline of its own."""

    def __init__(self) -> None:
        self.pipeline = Gst.Pipeline.new()
        self.bin = Gst.ElementFactory.make("webrtcbin")
        self.bin.props.bundle_policy = GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE
        self.pipeline.add(self.bin)
        self._ready = threading.Event()  # all formats are known
        self.bin.connect("on-negotiation-needed", lambda _: self._ready.set())

    def send(self, codec: str) -> GstWebRTC.WebRTCRTPTransceiver:
        """Adds an m-line that sends what is made with `codec`."""
        made = Gst.parse_bin_from_description(MAKE[codec], True)
        pad = self.bin.request_pad_simple("sink_%u")
        self.pipeline.add(made)
        shape = Gst.ElementFactory.make("capsfilter")
        shape.props.caps = Gst.Caps.from_string(FORMS[codec])
        self.pipeline.add(shape)
        made.link(shape)
        shape.srcpads[0].link(pad)
        pad.props.transceiver.props.direction = GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY
        return pad.props.transceiver

    def receive(self, codec: str) -> GstWebRTC.WebRTCRTPTransceiver:
        """Adds an m-line that receives."""
        caps = Gst.Caps.from_string(FORMS[codec])
        return self.bin.emit("add-transceiver", GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY, caps)

    def offer(self) -> str:
        """The offer, set as the local description."""
        self.pipeline.set_state(Gst.State.PLAYING)
        if not self._ready.wait(10):
            raise TimeoutError("webrtcbin does not know what it sends")
        promise = Gst.Promise.new()
        self.bin.emit("create-offer", None, promise)
        promise.wait()
        reply = promise.get_reply()  # the offer lives as long as this
        offer = reply.get_value("offer")
        self._apply("set-local-description", offer)
        return str(offer.sdp.as_text())

    def answer(self, sdp: str) -> None:
        """Takes the relay's answer."""
        _, message = GstSdp.SDPMessage.new_from_text(sdp)
        kind = GstWebRTC.WebRTCSDPType.ANSWER
        self._apply("set-remote-description", GstWebRTC.WebRTCSessionDescription.new(kind, message))

    def _apply(self, signal: str, description: GstWebRTC.WebRTCSessionDescription) -> None:
        promise = Gst.Promise.new()
        self.bin.emit(signal, description, promise)
        promise.wait()


class Participant:
    """Publishes on one connection and receives on another, as pages do; `video` is the codec of its pictures."""

    def __init__(self, video: str) -> None:
        self._codecs = {"audio": "OPUS", "video": video}
        self.pcs: dict[str, Connection] = {}
        self._lock = threading.Lock()
        self._received = {"frames": 0, "size": [0, 0], "sounds": 0}

    def publish(self) -> dict:
        """Microphone and camera."""
        pc = self.pcs["pub"] = Connection()
        pc.send(self._codecs["audio"])
        pc.send(self._codecs["video"]).props.do_nack = True
        sdp = pc.offer()
        named = zip(_mids(sdp), ("mic", "camera"), strict=True)
        return {"sdp": sdp, "tracks": [{"mid": mid, "source": source} for mid, source in named]}

    def subscribe(self, tracks: list) -> dict:
        """One m-line for each track."""
        pc = self.pcs["sub"] = Connection()
        for track in tracks:
            pc.receive(self._codecs[track["kind"]]).props.do_nack = track["kind"] == "video"
        pc.bin.connect("pad-added", self._play)
        sdp = pc.offer()
        return {"sdp": sdp, "want": {mid: track["id"] for mid, track in zip(_mids(sdp), tracks, strict=True)}}

    def received(self) -> dict:
        """See the module."""
        with self._lock:
            return dict(self._received)

    def confirmed(self) -> dict:
        """See the module."""
        session = self.pcs["pub"].bin.get_by_name("rtpbin").emit("get-session", 0)
        stats = session.props.twcc_stats
        return {"packets": stats.get_value("packets-recv") if stats is not None else 0}

    def _play(self, _: GstWebRTC.WebRTCRTPTransceiver, pad: Gst.Pad) -> None:
        kind = pad.get_current_caps().get_structure(0).get_string("media")
        made = Gst.parse_bin_from_description(TAKE[self._codecs[kind]], True)
        end = made.get_by_name("end")
        end.props.signal_handoffs = True
        end.props.sync = False
        end.connect("handoff", self._hear if kind == "audio" else self._see)
        self.pcs["sub"].pipeline.add(made)
        made.sync_state_with_parent()
        pad.link(made.sinkpads[0])

    def _see(self, _: Gst.Element, __: Gst.Buffer, pad: Gst.Pad) -> None:
        shape = pad.get_current_caps().get_structure(0)
        with self._lock:
            self._received["frames"] += 1
            self._received["size"] = [shape.get_value("width"), shape.get_value("height")]

    def _hear(self, _: Gst.Element, buffer: Gst.Buffer, __: Gst.Pad) -> None:
        samples = array.array("h", buffer.extract_dup(0, buffer.get_size()))
        with self._lock:
            self._received["sounds"] += max(map(abs, samples), default=0) > LOUD

    def do(self, command: dict) -> dict:
        """Carries out one command."""
        match command["do"]:
            case "publish":
                return self.publish()
            case "subscribe":
                return self.subscribe(command["tracks"])
            case "answer":
                self.pcs[command["pc"]].answer(command["sdp"])
                return {}
            case "received":
                return self.received()
            case "confirmed":
                return self.confirmed()
        raise ValueError(command["do"])

    def close(self) -> None:
        """Stops both."""
        for pc in self.pcs.values():
            pc.pipeline.set_state(Gst.State.NULL)


def _mids(sdp: str) -> list:
    """In the order of the m-lines."""
    return re.findall(r"(?m)^a=mid:(\S+)", sdp)


def main() -> None:
    """Serves until the input ends."""
    Gst.init(None)
    participant = Participant(sys.argv[1])
    for line in sys.stdin:
        print(json.dumps(participant.do(json.loads(line))), flush=True)
    participant.close()


if __name__ == "__main__":
    main()
