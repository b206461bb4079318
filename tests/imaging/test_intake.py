"""Files arrive whole, once, resumably; and the checksum is equal on both ends."""

import hashlib

from imaging.models import Image, Upload
from tests.cast import Cast, draft
from tests.imaging.doors import begin, client, photo, put, real, send, sent


def test_ct_arrives_and_is_held_until_confirmed(cast: Cast) -> None:
    consultation = draft(cast)
    browser = client(cast.doctor)
    content = real("CT_small.dcm")
    image = sent(browser, consultation, "CT_small.dcm", content)
    assert (image.state, image.modality, image.frames) == ("held", "CT", 1)
    assert image.sha256 == hashlib.sha256(content).hexdigest()
    assert image.original.read_bytes() == content
