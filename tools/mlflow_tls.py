"""The mirror to a real MLflow server over TLS (`tools/test-mlflow`): only a server whose certificate is of the
authority that was named gets anything."""

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def named(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(subject, issuer, key, signer, extensions):
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1)))
    for extension in extensions:
        made = made.add_extension(extension, critical=False)
    return made.sign(signer, hashes.SHA256())


def authority(folder, name, address):
    """Writes `name`.pem (the authority), `name`.crt and `name`.key (a server at `address`)."""
    own, of_server = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = certificate(named(name), named(name), own, own, [x509.BasicConstraints(ca=True, path_length=None)])
    place = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    leaf = certificate(named("server"), named(name), of_server, own, [place])
    (folder / f"{name}.pem").write_bytes(root.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.crt").write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_bytes(of_server.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))


def check(make_server, make_sender, record, folder):
    """Sends one run, with the right authority only at last. Returns what was wrong."""
    authority(folder, "right", "127.0.0.1")
    authority(folder, "other", "127.0.0.1")
    authority(folder, "elsewhere", "127.0.0.2")
    problems = []
    for name, trusted, works in (("right", None, False), ("right", "other", False),
                                 ("elsewhere", "elsewhere", False), ("right", "right", True)):
        server = make_server(folder, folder / f"{name}.crt", folder / f"{name}.key")
        sender = make_sender(server)
        if trusted:
            sender.env["MLFLOW_TRACKING_SERVER_CERT_PATH"] = str(folder / f"{trusted}.pem")
        try:
            server.start()
            if not sender.spool.exists():
                sender.put([record], folder)
            process = sender.start()
            said = process.communicate(timeout=120)[0]
        finally:
            server.kill()
        told = "sent " in said if works else "certificate" in said
        if (process.returncode == 0) != works or not told:
            problems.append(f"TLS with the certificate of {name} and trust in {trusted}: {said}")
    print("TLS: a certificate of another authority or host is refused, the right one accepted"
          if not problems else f"TLS: {len(problems)} problems", flush=True)
    return problems
