"""A self-signed certificate for gateways with TLS."""

import subprocess
from pathlib import Path


def make_certificates(directory: Path) -> None:
    """Makes a self-signed certificate for localhost, ECDSA on P-256."""
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    subprocess.run(
        [*command.split(), "-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=directory,
        check=True,
        capture_output=True,
    )
    both = (directory / "cert.pem").read_text() + (directory / "key.pem").read_text()
    (directory / "both.pem").write_text(both)
    for file in directory.iterdir():
        file.chmod(0o644)
    directory.chmod(0o755)
