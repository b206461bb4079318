"""PDF documents for tests, written by hand: whole ones, Chinese ones, hostile ones; and DICOM files that hold one."""

import io
import zlib

from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import EncapsulatedPDFStorage, ExplicitVRLittleEndian, generate_uid

from tests.imaging.doors import real

A4 = (595.0, 842.0)
HELVETICA = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
SONG = b"""<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UCS2-H/DescendantFonts[<<
/Type/Font/Subtype/CIDFontType0/BaseFont/STSong-Light/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 2>>
/FontDescriptor<</Type/FontDescriptor/FontName/STSong-Light/Flags 6/FontBBox[-25 -254 1000 880]/ItalicAngle 0
/Ascent 752/Descent -271/CapHeight 737/StemV 58>>>>]>>"""


def written(objects: list[bytes], trailer: bytes = b"") -> bytes:
    """A PDF file (ISO 32000-1 section 7.5) of numbered objects; the first is its catalogue."""
    out, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    tail = b"trailer<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, len(out))
    return out + head + table + tail


def stream(content: bytes, more: bytes = b"") -> bytes:
    return b"<</Length %d%s>>\nstream\n%s\nendstream" % (len(content), more, content)


def pdf(*sizes: tuple[float, float], catalogue: bytes = b"", draw: bytes | None = None) -> bytes:
    """A page for each size in points, saying its number; Chinese words in a font that the file does not bring."""
    sizes = sizes or (A4,)
    kids = b" ".join(b"%d 0 R" % (5 + 2 * index) for index in range(len(sizes)))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R%s>>" % catalogue,
        b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(sizes), kids),
        HELVETICA,
        SONG,
    ]
    for number, (width, height) in enumerate(sizes, 1):
        words = "检验报告".encode("utf-16-be").hex().encode()
        text = draw or (
            b"BT /L 40 Tf 40 %d Td (Page %d) Tj ET BT /S 30 Tf 40 %d Td <%s> Tj ET"
            % (height - 80, number, height - 140, words)
        )
        box = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %f %f]" % (width, height)
        objects += [box + b"/Resources<</Font<</L 3 0 R/S 4 0 R>>>>/Contents %d 0 R>>" % (6 + 2 * (number - 1))]
        objects += [stream(text)]
    return written(objects)


def squeezed(content: bytes) -> bytes:
    """One page whose content unpacks to far more."""
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R>>"
    tree = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count 1/Kids[3 0 R]>>", page]
    return written([*tree, stream(zlib.compress(content, 9), b"/Filter/FlateDecode")])


def vast_picture() -> bytes:
    """60 kB that claim to be a picture of 30,000 x 30,000 pixels of colour."""
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</XObject<</P 5 0 R>>>>>>"
    said = b"/Type/XObject/Subtype/Image/Width 30000/Height 30000/ColorSpace/DeviceRGB/BitsPerComponent 8"
    pixels = stream(zlib.compress(bytes(60_000_000), 9), said + b"/Filter/FlateDecode")
    tree = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count 1/Kids[3 0 R]>>", page]
    return written([*tree, stream(b"500 0 0 700 40 40 cm /P Do"), pixels])


def scripted() -> bytes:
    """Scripts on opening, an address to call, a program to start and a file inside: none of it acts."""
    acts = b"/OpenAction<</S/JavaScript/JS(while(true){app.alert\\(1\\)})>>/AA<</WC<</S/Launch/F(calc.exe)>>>>"
    files = b"/Names<</JavaScript<</Names[(a)<</S/JavaScript/JS(this.submitForm\\('http://127.0.0.1:9/'\\))>>]>>>>"
    return pdf(A4, catalogue=acts + files)


def locked() -> bytes:
    """Needs a password (standard security handler, revision 3; neither password is the empty one)."""
    key = b"/O<%s>/U<%s>/P -3904/V 2/R 3/Length 128/Filter/Standard" % (b"3f" * 32, b"a7" * 32)
    identity = b"/ID[<00112233445566778899aabbccddeeff><00112233445566778899aabbccddeeff>]"
    return written(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>",
            b"<<%s>>" % key,
        ],
        b"/Encrypt 4 0 R" + identity,
    )


def many_pages(count: int = 10_000) -> bytes:
    """One small page named again and again."""
    kids = b" ".join([b"3 0 R"] * count)
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>"
    return written([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count %d/Kids[%s]>>" % (count, kids), page])


def too_many_lines() -> bytes:
    """A page of 400 kB that draws eight million lines."""
    return squeezed(b"0 0 m 595 842 l S 595 0 m 0 842 l S\n" * 4_000_000)


def encapsulated(content: bytes, kind: str = "application/pdf", **elements: object) -> bytes:
    """A DICOM file that holds a document (PS3.3 section A.45.1), of the patient of CT_small."""
    source = dcmread(io.BytesIO(real("CT_small.dcm")), stop_before_pixels=True)
    made = Dataset()
    for name in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate"):
        setattr(made, name, source.get(name))
    made.SOPClassUID, made.SOPInstanceUID, made.SeriesInstanceUID = (
        EncapsulatedPDFStorage,
        generate_uid(),
        generate_uid(),
    )
    made.Modality, made.DocumentTitle, made.SeriesNumber, made.InstanceNumber = "DOC", "ECG report", 7, 1
    made.MIMETypeOfEncapsulatedDocument, made.EncapsulatedDocumentLength = kind, len(content)
    made.EncapsulatedDocument = content + b"\0" * (len(content) % 2)
    for name, value in elements.items():
        setattr(made, name, value)
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    out = io.BytesIO()
    made.save_as(out, enforce_file_format=True)
    return out.getvalue()
