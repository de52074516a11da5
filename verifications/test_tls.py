"""TLS: certificates of the addresses that are released to."""

from pytest_chefrelease.plugin import verification

test_tls_certificate = verification("tls.certificate")
