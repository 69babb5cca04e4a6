"""Which nodes cannot get past the broker, or never did, as far as this gateway can know.

A broker names nobody whom it refuses: what a copy of the authority's index beside `ca.pem` says
of each node is the only honest word.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from haidang_gateway.errors import PkiError
from haidang_gateway.fleet.pki import Authority, Issued
from haidang_gateway.settings import Settings
from haidang_gateway.store import queries
from haidang_gateway.store.schema import FILE, reading

INDEX = "index"
_SOON = timedelta(days=30)
_REMEDY = "`haidang provision --renew` gives it a new one"


def troubles(settings: Settings, now_ms: int) -> Iterator[str]:
    """A sentence for each node whose certificate the broker refuses, or will within 30 days.

    Nothing without a copy of the index; nodes on a wire have no certificate.
    """
    path = settings.broker.ca.parent / INDEX
    if not path.is_file():
        return
    try:
        issued = Authority(path.parent).issued()
    except PkiError as error:
        yield str(error)
        return
    except OSError as error:
        yield f"{path}: {error.strerror}; let the service's user read it (`chown haidang: {path}`)"
        return
    if not _names_us(issued, settings.broker.cert):
        yield (
            f"{path} does not name this gateway's own certificate: it is too old or another "
            "authority's; copy it anew"
        )
        return
    for name in _by_radio(settings):
        if said := _trouble([one for one in issued if one.name == name], now_ms):
            yield f"{name}: {said}"


def unheard(settings: Settings) -> Iterator[str]:
    """A sentence for each node that was never heard here. StoreError without a database."""
    with reading(settings.data_dir / FILE) as connection:
        heard = queries.nodes(connection).keys() | queries.last_packs(connection).keys()
    by_radio = _by_radio(settings)
    for node in settings.nodes:
        if node.id not in heard:
            what = "its certificate is" if node.id in by_radio else "its line and key are"
            yield (
                f"{node.id} has never been heard here: look at its lamp and console, and whether "
                f"{what} good (`haidang-gateway check`)"
            )


def _names_us(issued: Sequence[Issued], cert: Path) -> bool:
    """Whether an index knows a certificate; of one that cannot be read `check` tells."""
    try:
        ours = x509.load_pem_x509_certificate(cert.read_bytes())
    except (OSError, ValueError):
        return True
    return f"{ours.serial_number:x}" in {one.serial for one in issued}


def _by_radio(settings: Settings) -> list[str]:
    wired = {name for line in settings.serial for name in line.nodes}
    return [node.id for node in settings.nodes if node.id not in wired]


def _trouble(issued: Sequence[Issued], now_ms: int) -> str:
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    if not issued:
        return "the authority's index names no certificate of it; `haidang provision` issues one"
    # What the node holds: an index begins with the oldest.
    newest = issued[-1]
    end = newest.not_after[:10]
    if newest.revoked is not None:
        return f"its certificate was revoked on {newest.revoked[:10]}, the broker refuses it"
    if not newest.in_force(now):
        return f"its certificate was valid until {end}, the broker refuses it; {_REMEDY}"
    if not newest.in_force(now + _SOON):
        return f"its certificate is valid until {end}; {_REMEDY}"
    return ""
