"""Certificate files that are replaced while gateways use them."""

import ssl
from pathlib import Path

from ..certificates import make_certificates

_FILES = ("cert.pem", "key.pem", "both.pem")


class Rotation:
    """Two certificates, and the files with the one in use."""

    def __init__(self, directory: Path):
        self._directory = directory
        self.live = directory / "live"
        self.trusted = directory / "trusted.pem"  # both certificates
        names = ("even", "odd")
        for name in (*names, "live"):
            (directory / name).mkdir()
        for name in names:
            make_certificates(directory / name)
        self.trusted.write_text("".join((directory / name / "cert.pem").read_text() for name in names))
        self.live.chmod(0o755)

    def use(self, name: str) -> None:
        """Replaces each file atomically, as certificate clients do."""
        for file in _FILES:
            new = self.live / f"{file}.new"
            new.write_bytes((self._directory / name / file).read_bytes())
            new.chmod(0o644)
            new.rename(self.live / file)

    def presented(self, port: int) -> bool:
        """Whether a listener presents the certificate in use."""
        current = ssl.PEM_cert_to_DER_cert((self.live / "cert.pem").read_text())
        try:
            return ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", port), timeout=2)) == current
        except OSError:
            return False
