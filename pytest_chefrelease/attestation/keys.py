"""ed25519 keys in files: PEM, the private one readable by its owner alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_chefrelease.errors import MissingExtra, SettingsError

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner, SSlibKey

_LARGEST = 100_000
_OTHERS = 0o077


def demand_library() -> None:
    """Raise MissingExtra, with the line that installs it, where the extra is missing."""
    try:
        import cryptography  # noqa: F401
        import securesystemslib  # noqa: F401
    except ImportError:
        raise MissingExtra(
            "securesystemslib with cryptography is not installed",
            remedy="pip install 'pytest-chefrelease[attest]'",
        ) from None


def new_key(path: Path) -> str:
    """Make a key pair: ``path`` (mode 0600) and ``path.pub``. Returns the key's id.

    Raises SettingsError where one of the files is there already or cannot be written.
    """
    demand_library()
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        PublicFormat,
        load_pem_private_key,
    )
    from securesystemslib.signer import CryptoSigner

    signer = CryptoSigner.generate_ed25519()
    public = load_pem_private_key(signer.private_bytes, None).public_key()
    _write(path, signer.private_bytes, 0o600)
    _write(
        path.with_name(f"{path.name}.pub"),
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        0o644,
    )
    return signer.public_key.keyid


def private_key(path: Path) -> CryptoSigner:
    """The signer of a private key's file. Raises SettingsError."""
    demand_library()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from securesystemslib.signer import CryptoSigner

    data = _read(path)
    try:
        key = load_pem_private_key(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SettingsError([f"{path}: no private key in PEM without a passphrase"]) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError([f"{path}: a key of another kind; ed25519 is allowed"])
    return CryptoSigner(key)


def is_exposed(path: Path) -> bool:
    """Whether others than its owner may read or change the file."""
    return bool(path.stat().st_mode & _OTHERS)


def public_key(path: Path) -> SSlibKey:
    """The key of a public key's file. Raises SettingsError."""
    demand_library()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.signer import SSlibKey

    data = _read(path)
    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        raise SettingsError([f"{path}: no public key in PEM"]) from None
    if not isinstance(key, Ed25519PublicKey):
        raise SettingsError([f"{path}: a key of another kind; ed25519 is allowed"])
    return SSlibKey.from_crypto(key)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST)
    except OSError as error:
        raise SettingsError([f"{path}: the key cannot be read: {error.strerror}"]) from None


def _write(path: Path, data: bytes, mode: int) -> None:
    """Create the file with its final permissions: there is no moment in which others may read."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
    except FileExistsError:
        raise SettingsError([f"{path}: is there already; a key is never replaced"]) from None
    except OSError as error:
        raise SettingsError([f"{path}: cannot be written: {error.strerror}"]) from None
