"""Why a file was not accepted or is not shown: a code, and a sentence that says what to do next."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Reason(models.TextChoices):
    EMPTY = "empty", _("The file is empty. Export or photograph it again.")
    TOO_LARGE = "too_large", _("The file is larger than this site takes. Send single images instead of a whole study.")
    QUOTA = "quota", _("This consultation has no room for more images. Remove some that are not needed.")
    INBOX_FULL = (
        "inbox_full",
        _("Too many images of devices wait for a consultation. Place or discard some, then retry."),
    )
    STORAGE_FULL = "storage_full", _("The server's disk is full. Nothing was lost; tell the administrator, then retry.")
    NOT_AN_IMAGE = "not_an_image", _("This is not an image. Send DICOM, JPEG, PNG, WebP or PDF, or a zip of them.")
    OTHER_PICTURE = "other_picture", _("This kind of picture cannot be shown. Save it as JPEG or PNG and send that.")
    SLIDE = "slide", _("Slides of this scanner cannot be shown. Export it as SVS, pyramid TIFF or DICOM.")
    SLIDE_LABEL = (
        "slide_label",
        _("The photo of a slide's label or glass is kept, and shown to nobody: names stand on it."),
    )
    OTHER_DOCUMENT = "other_document", _("This DICOM file holds a document that is no PDF. Export it as PDF.")
    TOO_MANY_PAGES = "too_many_pages", _("The document has more pages than can be shown. Send the pages that matter.")
    ARCHIVE = "archive", _("This archive cannot be opened here. Send the folder, or a zip without archives inside.")
    ARCHIVE_UNSAFE = "archive_unsafe", _("Names or links in this archive lead out of it. Have the computer checked.")
    ENCRYPTED = "encrypted", _("This file is locked with a password. Save it without one and send that.")
    TOO_MANY_FILES = "too_many_files", _("This archive holds more files than can be taken. Send the study in parts.")
    NOTHING_INSIDE = "nothing_inside", _("There is no image in this archive. Choose the folder with the images.")
    PROGRAM = "program", _("This is a program, not an image. It was not kept. Have the computer checked.")
    ACTIVE_CONTENT = "active_content", _("This is a web page or drawing with code. Save it as JPEG or PNG instead.")
    DISGUISED = "disguised", _("A program or page hides in the head of this file. Export it again from the device.")
    TRUNCATED = "truncated", _("The end of the file is missing. Copy it again from the device, then send it.")
    DAMAGED = "damaged", _("The file is damaged and cannot be read. Export it again from the device.")
    TOO_MANY_PIXELS = "too_many_pixels", _("The picture claims more pixels than can be shown. Send a smaller export.")
    TOO_MANY_FRAMES = "too_many_frames", _("The file claims more frames than can be shown. Send it in parts.")
    BOMB = "bomb", _("The file unpacks to far more than it could hold. Export it again without compression.")
    TOO_BIG_TO_DECODE = "too_big_to_decode", _("Decoding needs more memory than allowed. Send single images.")
    TOOK_TOO_LONG = "took_too_long", _("Decoding took too long and was stopped. Export it again or send fewer frames.")
    UNSUPPORTED_SYNTAX = "unsupported_syntax", _("This compression is not known. Export without compression.")
    NO_PIXELS = "no_pixels", _("This DICOM file has no picture in it (a plan or structures). Send the images.")
    WAVEFORM = "waveform", _("This recording holds no voltages that can be drawn. Send a photo of the printed ECG.")
    DIRECTORY = "directory", _("This is the disc's index (DICOMDIR). Choose the image files beside it.")
    CLOSED = "closed", _("The consultation took no more images when this was opened. Nothing of it was kept.")
    CHECKSUM = "checksum", _("What arrived is not what was sent. Send the file again.")
    LOST = "lost", _("The stored file has changed or is gone. Send it again and tell the administrator.")


SENTENCES = dict(Reason.choices)


def sentence(code: str) -> str:
    """The words of a code, in the reader's language."""
    return str(SENTENCES.get(code, SENTENCES["damaged"]))
