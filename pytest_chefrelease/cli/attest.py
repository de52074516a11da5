"""``chefrelease attest``."""

from __future__ import annotations

from pathlib import Path

import click

from pytest_chefrelease.cli.teaching import epilog

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(
    short_help="Sign the evidence of stages",
    epilog=epilog(
        "chefrelease attest --new-key release.key",
        "chefrelease attest reports/prerelease.json --key release.key",
        exits={
            0: "signed",
            4: "no key, no evidence, or evidence that cannot be read",
        },
    ),
)
@click.argument("evidence", nargs=-1, type=_FILE)
@click.option(
    "--key",
    type=_FILE,
    envvar="CHEFRELEASE_ATTEST_KEY",
    show_envvar=True,
    help="The private key: ed25519, PEM.",
)
@click.option("--image", default="", metavar="DIGEST", help="The released image: sha256:...")
@click.option("--new-key", type=_FILE, help="Make a key pair, FILE and FILE.pub, and end.")
def attest(evidence: tuple[Path, ...], key: Path | None, image: str, new_key: Path | None) -> None:
    """Sign the EVIDENCE of stages, such as reports/prerelease.json.

    Beside each a signed in-toto statement is written, STAGE.intoto.json: which commit and
    image, which verdict, and the digest of the attestation of the stage before.
    """
    from pytest_chefrelease.attestation import desk, keys

    if new_key is not None:
        click.echo(f"{new_key} and {new_key}.pub: key {keys.new_key(new_key)[:12]}")
        return
    if key is None:
        raise click.UsageError(f"Name a private key: --key FILE, or {desk.KEY_VARIABLE}.")
    if not evidence:
        raise click.UsageError("Name evidence, such as reports/prerelease.json.")
    for path in evidence:
        done = desk.attest(path, key, image)
        after = f", after {done.follows}" if done.follows else ", the first of its chain"
        click.echo(f"{done.path}: {done.result}, signed by {done.keyid[:12]}{after}")
        if done.is_key_exposed:
            click.echo(f"Others may read the private key: chmod 600 {key}", err=True)
