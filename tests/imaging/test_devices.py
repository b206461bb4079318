"""The list of devices: kept by administrators, counts at once; who is sent away is named; TLS by certificates."""

import datetime
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.test import override_settings

from consult.errors import Refusal
from consult.models import AuditEntry, User
from imaging.dimse import secure
from imaging.models import Arrival, Device, Knock
from imaging.services import devices
from tests.cast import Cast
from tests.imaging.doors import client
from tests.imaging.test_arrivals import device, instance, pushed
from tests.imaging.test_listener import dcmtk, on_disk
from tests.imaging.ways import TITLE, listening

CT2 = {"name": "CT 房", "ae_title": "CT2", "address": "127.0.0.1", "port": "11112", "quota_mb": "0"}


@pytest.fixture
def administrator(live_cast: Cast) -> User:
    User.objects.filter(pk=live_cast.colleague.pk).update(is_superuser=True)
    return User.objects.get(pk=live_cast.colleague.pk)


@pytest.mark.django_db(transaction=True)
def test_what_an_administrator_changes_counts_at_once(live_cast: Cast, administrator: User) -> None:
    browser = client(administrator)
    with listening() as port:
        assert dcmtk("echoscu", port, calling="CT2")[0] != 0
        said = {**CT2, "hospital": live_cast.nitun.pk}
        assert browser.post("/devices/", said).status_code == 302
        [row] = Device.objects.all()
        assert (row.hospital, row.ae_title, row.name) == (live_cast.nitun, "CT2", "CT 房")
        assert dcmtk("echoscu", port, calling="CT2")[0] == 0
        assert browser.post(f"/devices/{row.pk}/", {**said, "ae_title": "CT3"}).status_code == 302
        assert dcmtk("echoscu", port, calling="CT2")[0] != 0
        assert browser.post(f"/devices/{row.pk}/switch/", {"active": "no"}).status_code == 302
        assert browser.post(f"/devices/{row.pk}/switch/", {"active": "no"}).status_code == 409
        assert dcmtk("echoscu", port, calling="CT3")[0] != 0
    acts = AuditEntry.objects.filter(action__startswith="device.").order_by("seq")
    assert [(entry.action, entry.actor) for entry in acts] == [
        (act, administrator.username) for act in ("device.add", "device.change", "device.remove")
    ]
    assert acts[1].detail == {"ae_title": "CT3"}
    page = browser.get("/devices/").content.decode()
    assert page.count('data-knock="address"') == 1
    assert page.count('data-knock="title"') == 1


@pytest.mark.django_db
def test_nobody_else_finds_the_list(cast: Cast) -> None:
    row = device(cast.nitun)
    for person in (cast.doctor, cast.expert, cast.scheduler, cast.regulator, cast.outsider):
        browser = client(person)
        assert browser.get("/devices/").status_code == 404
        assert browser.post("/devices/", {**CT2, "hospital": cast.nitun.pk}).status_code == 404
        for door in ("", "switch/", "test/"):
            assert browser.post(f"/devices/{row.pk}/{door}", {"active": "no"}).status_code == 404
    assert list(Device.objects.values_list("active", flat=True)) == [True]


@pytest.mark.django_db
def test_what_is_no_device_is_said_in_the_form(cast: Cast) -> None:
    device(cast.nitun)
    User.objects.filter(pk=cast.colleague.pk).update(is_superuser=True)
    browser = client(User.objects.get(pk=cast.colleague.pk))
    good = {**CT2, "hospital": cast.nitun.pk}
    for wrong in ({"ae_title": "a\\b"}, {"address": "ct.local"}, {"port": "0"}, {"ae_title": "CT1"}, {"hospital": ""}):
        assert browser.post("/devices/", {**good, **wrong}).status_code == 422
    assert Device.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_connection_is_tried_out(live_cast: Cast, administrator: User) -> None:
    """Our own listener stands for a device: it answers who is on its list."""
    row = device(live_cast.nitun, title=TITLE)
    with listening() as port, override_settings(DICOM_AE_TITLE=TITLE):
        Device.objects.filter(pk=row.pk).update(port=port)
        for calling, said in ((TITLE, "answered"), ("STRANGER", "rejected")):
            with override_settings(DICOM_AE_TITLE=calling):
                assert devices.test(device=Device.objects.get(), by=administrator) == said
    answer = client(administrator).post(f"/devices/{row.pk}/test/")
    assert answer.status_code == 302
    assert Device.objects.get().test_said == "unreachable"
    assert AuditEntry.objects.filter(action="device.test").count() == 3


@pytest.mark.django_db
def test_a_devices_own_room(cast: Cast) -> None:
    row = device(cast.nitun)
    row.quota_mb = 1
    row.save()
    for number, taken in (("1", True), ("2", False)):
        content = instance("Wang", number, PixelData=bytes(700_000), Rows=700, Columns=500)
        if taken:
            pushed(row, content)
        else:
            with pytest.raises(Refusal) as refusal:
                pushed(row, content)
            assert refusal.value.code == "inbox_full"
    assert Arrival.objects.count() == 1


def signed(folder: Path, name: str, by: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None = None):  # type: ignore[no-untyped-def]
    """A certificate of `by`, or of its own, as PEM files `name`.crt and `name`.key."""
    key = ec.generate_private_key(ec.SECP256R1())
    own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(own)
        .issuer_name(by[0].subject if by else own)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(by[1] if by else key, hashes.SHA256())
    )
    (folder / f"{name}.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    return made, key


@pytest.mark.django_db(transaction=True)
def test_tls_by_certificates(live_cast: Cast, administrator: User, tmp_path: Path) -> None:
    """dcmtk with a certificate of the hospital's authority stores; without, or of another, it is sent away."""
    device(live_cast.nitun)
    authority = signed(tmp_path, "authority")
    signed(tmp_path, "site", authority)
    signed(tmp_path, "ct", authority)
    signed(tmp_path, "stranger")
    pem = {name: str(tmp_path / name) for name in ("authority.crt", "site.crt", "site.key")}
    tls = (pem["site.crt"], pem["site.key"], pem["authority.crt"])
    [path] = on_disk(tmp_path, [instance("Wang", "1")])
    with listening(secure.serving(*tls)) as port:

        def store(who: str) -> int:
            how = ["+tls", str(tmp_path / f"{who}.key"), str(tmp_path / f"{who}.crt"), "+cf", pem["authority.crt"]]
            return dcmtk("storescu", port, *how, path)[0]

        assert store("ct") == 0
        assert Arrival.objects.count() == 1
        assert store("stranger") != 0
        assert dcmtk("echoscu", port)[0] != 0
        Device.objects.update(port=port, ae_title=TITLE)
        with override_settings(DICOM_AE_TITLE=TITLE, DICOM_TLS=tls):
            assert devices.test(device=Device.objects.get(), by=administrator) == "answered"
    assert Arrival.objects.count() == 1
    assert set(Knock.objects.values_list("reason", flat=True)) == {"insecure"}


def test_a_port_that_is_not_tls_is_said(live_cast: Cast, administrator: User, tmp_path: Path) -> None:
    signed(tmp_path, "site")
    row = device(live_cast.nitun, title=TITLE)
    tls = (str(tmp_path / "site.crt"), str(tmp_path / "site.key"), "")
    with listening() as port, override_settings(DICOM_AE_TITLE=TITLE, DICOM_TLS=tls):
        Device.objects.filter(pk=row.pk).update(port=port)
        assert devices.test(device=Device.objects.get(), by=administrator) == "insecure"
