"""TLS on the DICOM port (PS3.15 annex B.9, BCP 195 profile: TLS 1.2 or later), by the certificates of the settings."""

import ssl


def serving(cert: str, key: str, ca: str) -> ssl.SSLContext:
    """Ours for devices; with `ca` each must have a certificate of it. Files are PEM."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _fit(made, cert, key)
    if ca:
        made.load_verify_locations(ca)
        made.verify_mode = ssl.CERT_REQUIRED
    return made


def calling(cert: str, key: str, ca: str) -> ssl.SSLContext:
    """Ours towards a device: its certificate must be of `ca`, its name is not looked at: devices are addresses."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    _fit(made, cert, key)
    if ca:
        made.load_verify_locations(ca)
    else:
        made.verify_mode = ssl.CERT_NONE
    return made


def _fit(context: ssl.SSLContext, cert: str, key: str) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(cert, key)
