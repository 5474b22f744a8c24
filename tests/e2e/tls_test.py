#!/usr/bin/python3
"""Mutual TLS with certificates made by openssl; whoever is refused is told why."""
import datetime
import subprocess
import unittest

from e2e_case import CabinetCase, main


class Tls(CabinetCase):
    def openssl(self, *words):
        subprocess.run(["openssl", *map(str, words)], cwd=self.cabinet.directory, check=True, capture_output=True)

    def authority(self, name):
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 30,
                     "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")

    def certificate(self, name, ca, days=30, subject=None, alternative=None):
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={subject or name}",
                     "-keyout", f"{name}.key", "-out", f"{name}.csr")
        words = ["x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-CAcreateserial",
                 "-days", days, "-out", f"{name}.pem"]
        if alternative:
            (self.cabinet.directory / "san").write_text(f"subjectAltName={alternative}\n")
            words += ["-extfile", "san"]
        self.openssl(*words)

    def start(self, ca="city", own="gateway", server_name="IP:127.0.0.1,DNS:localhost"):
        here = self.cabinet.directory
        self.authority("city")
        self.authority("stranger")
        self.certificate("server", "city", alternative=server_name)
        self.certificate("gateway", "city")
        self.certificate("impostor", "stranger")
        self.certificate("outdated", "city", days=-1)
        self.certificate("judge", "city")
        self.broker = self.cabinet.broker(listener="allow_anonymous true\nrequire_certificate true\n"
                                          f"cafile {here}/city.pem\ncertfile {here}/server.pem\nkeyfile {here}/server.key")
        self.cabinet.simulator("--lamps", 3, "--boot-s", 0, "--start", "2026-11-23T19:00:00+08:00", "--speed", 1.01,
                               "--write-config", "--mqtt", f"mqtts://127.0.0.1:{self.broker.port}")
        self.cabinet.configure("mqtt", ca_file=f"{here}/{ca}.pem", cert_file=f"{here}/{own}.pem", key_file=f"{here}/{own}.key",
                               first_retry_max="0s", retry_cap="1s")
        (here / f"{own}.key").chmod(0o600)
        self.gateway = self.cabinet.gateway_in_step()

    def says(self, pattern):
        import re
        self.until(lambda: re.search(pattern, self.gateway.text(), re.I), f"the log says {pattern}: {self.gateway.text()}")
        self.levels_are(100)

    def test_both_sides_show_a_certificate(self):
        self.start()
        here = self.cabinet.directory
        judge = self.cabinet.subscriber(self.broker.port, tls=(here / "city.pem", here / "judge.pem", here / "judge.key"))
        self.until(lambda: judge.status and judge.status["online"] == 1, "status over TLS")
        self.lamps_read(100)
        done = self.done(judge, self.command(judge, "lamp.set", target={"all": True}, args={"level_pct": 50}))
        self.assertEqual("ok", done["result"])
        self.no_gaps(judge)

    def test_a_broker_of_another_authority_is_refused(self):
        self.start(ca="stranger")
        self.says("certificate.*(authority|issuer|ca_file|verif|trust|signed)|self.signed|unable to get")

    def test_a_broker_of_another_name_is_refused(self):
        self.start(server_name="DNS:elsewhere.example")
        self.says("(name|host|address).*(127.0.0.1|elsewhere|match)|mismatch")

    def test_a_gateway_of_another_authority_is_refused_by_the_broker(self):
        self.start(own="impostor")
        self.says("unknown ca|not accept|refused|rejected|certificate")
        self.assertNotIn("info    mqtt: connected\n", self.gateway.text())

    def test_an_expired_certificate_is_named(self):
        self.start(own="outdated")
        self.says("expired|no longer valid|not valid after|ran out")


if __name__ == "__main__":
    main()
