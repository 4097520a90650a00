//! TLS and tokens: who gets in, and with what.

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use easylife_server::tls::Pem;
use easylife_server::{Guard, Options, Scope, Tls, Token};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use sha2::{Digest, Sha256};
use support::{INFER, Running, options};

/// A certificate and its key in PEM.
#[derive(Clone)]
struct Pair {
    certificate: String,
    key: String,
}

/// An authority, and certificates that it has signed for a server and a client.
struct Authority {
    own: Pair,
    server: Pair,
    client: Pair,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let own = Pair {
            certificate: params.self_signed(&key).unwrap().pem(),
            key: key.serialize_pem(),
        };
        let issuer = Issuer::new(params, key);
        let signed = |name: &str| {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            Pair {
                certificate: params.signed_by(&key, &issuer).unwrap().pem(),
                key: key.serialize_pem(),
            }
        };
        Self {
            server: signed("localhost"),
            client: signed("shop"),
            own,
        }
    }

    fn pem(&self, asks_clients: bool) -> Pem<'_> {
        Pem {
            certificates: self.server.certificate.as_bytes(),
            key: self.server.key.as_bytes(),
            client_authorities: asks_clients.then_some(self.own.certificate.as_bytes()),
        }
    }

    /// A connection of a client that trusts the authority.
    fn open(
        &self,
        address: SocketAddr,
        client: Option<&Pair>,
    ) -> StreamOwned<ClientConnection, TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(der(&self.own)).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match client {
            None => builder.with_no_client_auth(),
            Some(pair) => {
                let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
                builder.with_client_auth_cert(vec![der(pair)], key).unwrap()
            }
        };
        let name = ServerName::try_from("localhost").unwrap();
        let session = ClientConnection::new(Arc::new(config), name).unwrap();
        let stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(std::time::Duration::from_secs(10)))
            .unwrap();
        StreamOwned::new(session, stream)
    }

    /// The answer to one request; none where the handshake fails.
    fn get(&self, address: SocketAddr, path: &str, client: Option<&Pair>) -> Option<String> {
        let mut stream = self.open(address, client);
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        // A server may end without TLS's own farewell.
        let _ = stream.read_to_string(&mut answer);
        (!answer.is_empty()).then_some(answer)
    }
}

fn der(pair: &Pair) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("")
}

#[test]
fn a_connection_is_encrypted_and_certificates_are_replaced() {
    let (first, second) = (Authority::new(), Authority::new());
    let tls = Arc::new(Tls::new(first.pem(false)).unwrap());
    let server = Running::loaded(Options {
        tls: Some(Arc::clone(&tls)),
        ..options()
    });
    let address = server.address;
    assert_eq!(
        status(&first.get(address, "/v2/health/live", None).unwrap()),
        "200"
    );
    assert_eq!(
        status(&first.get(address, "/nothing", None).unwrap()),
        "404"
    );
    assert!(second.get(address, "/v2/health/live", None).is_none());
    tls.replace(second.pem(false)).unwrap();
    assert_eq!(
        status(&second.get(address, "/v2/health/live", None).unwrap()),
        "200"
    );
    assert!(first.get(address, "/v2/health/live", None).is_none());
    // Plain HTTP gets no answer, and takes nothing from others.
    let mut plain = TcpStream::connect(address).unwrap();
    plain
        .write_all(b"GET /v2 HTTP/1.1\r\nHost: t\r\n\r\n")
        .unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    assert_eq!(status(&second.get(address, "/v2", None).unwrap()), "200");
}

#[test]
fn a_refusal_below_http_reaches_the_client() {
    let authority = Authority::new();
    let server = Running::loaded(Options {
        tls: Some(Arc::new(Tls::new(authority.pem(false)).unwrap())),
        ..options()
    });
    let path = format!("/{}", "a".repeat(40_000));
    let answer = authority.get(server.address, &path, None).unwrap();
    assert_eq!(status(&answer), "431", "{answer}");
}

#[test]
fn silent_and_slow_clients_are_closed_over_tls_too() {
    let authority = Authority::new();
    let short = std::time::Duration::from_millis(200);
    let server = Running::loaded(Options {
        tls: Some(Arc::new(Tls::new(authority.pem(false)).unwrap())),
        limits: easylife_server::Limits {
            first_byte: short,
            head: short,
            ..easylife_server::Limits::default()
        },
        ..options()
    });
    // Nothing at all: no handshake, and no request after one.
    let mut silent = TcpStream::connect(server.address).unwrap();
    silent
        .set_read_timeout(Some(std::time::Duration::from_secs(10)))
        .unwrap();
    assert_eq!(silent.read(&mut [0; 8]).unwrap_or(0), 0);
    let mut opened = authority.open(server.address, None);
    opened.conn.complete_io(&mut opened.sock).unwrap();
    assert_eq!(opened.read(&mut [0; 8]).unwrap_or(0), 0);
    // Half a head: the refusal comes through.
    let mut slow = authority.open(server.address, None);
    slow.write_all(b"GET /v2 HTTP/1.1\r\nHost: lo").unwrap();
    let mut answer = String::new();
    let _ = slow.read_to_string(&mut answer);
    assert_eq!(status(&answer), "408", "{answer}");
}

#[test]
fn clients_have_certificates_and_those_have_scopes() {
    let authority = Authority::new();
    let token = |name: &str, digest: [u8; 32], scope| Token {
        name: name.into(),
        sha256: digest,
        scopes: vec![scope],
    };
    let shop = Sha256::digest(der(&authority.client)).into();
    let guard = Guard::new(vec![token("shop", shop, Scope::Predict)]);
    let server = Running::loaded(Options {
        tls: Some(Arc::new(Tls::new(authority.pem(true)).unwrap())),
        guard: Some(Arc::new(guard)),
        ..options()
    });
    let address = server.address;
    let client = Some(&authority.client);
    assert!(authority.get(address, "/v2", None).is_none());
    assert!(
        authority
            .get(address, "/v2", Some(&Authority::new().client))
            .is_none()
    );
    assert_eq!(
        status(&authority.get(address, "/v2", client).unwrap()),
        "200"
    );
    assert_eq!(
        status(&authority.get(address, "/metrics", client).unwrap()),
        "403"
    );
    // The server's own certificate is of the same authority, but nobody's.
    let stranger = authority
        .get(address, "/v2", Some(&authority.server))
        .unwrap();
    assert_eq!(status(&stranger), "401");
}

#[test]
fn tokens_open_what_they_are_for_and_probes_are_open() {
    let digest = |text: &str| Sha256::digest(text).into();
    let token = |name: &str, text: &str, scopes: &[Scope]| Token {
        name: name.into(),
        sha256: digest(text),
        scopes: scopes.to_vec(),
    };
    let guard = Arc::new(Guard::new(vec![
        token("shop", "s3cret", &[Scope::Predict]),
        token("ops", "0ther", &[Scope::Admin, Scope::Metrics]),
    ]));
    let server = Running::loaded(Options {
        guard: Some(Arc::clone(&guard)),
        ..options()
    });
    let ask = |method: &str, path: &str, token: &str| {
        let authorization = match token {
            "" => String::new(),
            token => format!("Authorization: Bearer {token}\r\n"),
        };
        let body = r#"{"inputs":[{"name":"text","shape":[1],"datatype":"BYTES","data":["a"]}]}"#;
        let body = if method == "POST" && path == INFER {
            body
        } else {
            ""
        };
        let length = body.len();
        let mut client = server.client();
        client.send(
            format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{authorization}Content-Length: {length}\r\n\r\n{body}")
                .as_bytes(),
        );
        client.response().unwrap()
    };
    let load = "/v2/repository/models/length/load";
    for (method, path, open, shop, ops) in [
        ("GET", "/v2/health/live", 200, 200, 200),
        ("GET", "/v2/health/ready", 200, 200, 200),
        ("GET", "/v2/models/length", 401, 200, 403),
        ("POST", INFER, 401, 200, 403),
        ("GET", "/metrics", 401, 403, 200),
        ("POST", load, 401, 403, 200),
        ("GET", "/nothing", 404, 404, 404),
    ] {
        assert_eq!(ask(method, path, "").status, open, "{path}");
        assert_eq!(ask(method, path, "s3cret").status, shop, "{path}");
        assert_eq!(ask(method, path, "0ther").status, ops, "{path}");
        assert_eq!(ask(method, path, "wrong").status, open, "{path}");
    }
    let refused = ask("POST", INFER, "");
    assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
    assert_eq!(refused.json()["error"], "a bearer token is required");
    guard.replace(vec![token("shop", "new", &[Scope::Predict])]);
    assert_eq!(ask("POST", INFER, "s3cret").status, 401);
    assert_eq!(ask("POST", INFER, "new").status, 200);
}

#[test]
fn broken_certificates_are_refused_with_what_is_wrong() {
    let (one, other) = (Authority::new(), Authority::new());
    let refused = |pem: Pem<'_>| Tls::new(pem).err().unwrap();
    let nothing = Pem {
        certificates: b"nothing",
        ..one.pem(false)
    };
    assert!(refused(nothing).contains("no certificate in PEM"));
    let crossed = Pem {
        key: other.server.key.as_bytes(),
        ..one.pem(false)
    };
    assert!(refused(crossed).contains("certificate and key"));
    let keyless = Pem {
        key: b"nothing",
        ..one.pem(false)
    };
    assert!(refused(keyless).starts_with("key: "));
}
