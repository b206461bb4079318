"""`python -m imaging.dimse.echo ADDRESS PORT CALLING CALLED [CERT KEY CA]`: a C-ECHO (PS3.4 annex A) to one device.

Prints what became of it: answered, unreachable, rejected or insecure. Knows no settings and no database.
"""

import logging
import socket
import ssl
import sys
from typing import Any

from pynetdicom import AE

from imaging.dimse import secure

VERIFICATION = "1.2.840.10008.1.1"  # PS3.4 section A.4
SECONDS = 5  # for the connection, and for each answer


def echo(address: str, port: int, calling: str, called: str, tls: tuple[str, str, str]) -> str:
    entity = AE(calling)
    entity.add_requested_context(VERIFICATION)
    entity.connection_timeout = entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = SECONDS
    more: dict[str, Any] = {}
    if tls[0]:
        context = secure.calling(*tls)
        with socket.create_connection((address, port), SECONDS) as line:
            context.wrap_socket(line).close()
        more["tls_args"] = (context, None)
    association: Any = entity.associate(address, port, ae_title=called, **more)
    if not association.is_established:
        return "rejected" if association.is_rejected else "unreachable"
    answer = association.send_c_echo()
    association.release()
    return "answered" if answer.get("Status") == 0 else "rejected"


def main() -> None:
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)
    address, port, calling, called, *tls = sys.argv[1:]
    cert, key, ca = (*tls, "", "", "")[:3]
    try:
        said = echo(address, int(port), calling, called, (cert, key, ca))
    except ssl.SSLError:
        said = "insecure"
    except OSError:
        said = "unreachable"
    sys.stdout.write(said)


if __name__ == "__main__":
    main()
