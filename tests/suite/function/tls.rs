//! TLS to a function (A6, F12, T21): who cannot prove who it is, is not spoken to.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use twimlgate::function::{CallError, CallPhase, Resolver, TransportError};

use super::caller::{Caller, parsed, run};
use crate::support::hostile::{Hostile, Step, json};

/// An authority, and the file that names it.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    file: PathBuf,
}

impl Authority {
    fn new(name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let file = format!("twimlgate-test-{}-{name}.pem", std::process::id());
        let file = std::env::temp_dir().join(file);
        std::fs::write(&file, issuer.pem()).unwrap();
        Authority { issuer, file }
    }

    /// A server whose certificate this authority signed, for `host` and valid or not.
    fn server(&self, host: &str, expired: bool, scripts: Vec<Vec<Step>>) -> Hostile {
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        if expired {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2020, 2, 1);
        }
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Hostile::with_tls(scripts, tls(vec![certificate.der().clone()], &key))
    }

    fn keys(&self) -> String {
        format!("[egress]\nca_file = \"{}\"", self.file.display())
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
    }
}

fn tls(chain: Vec<rustls::pki_types::CertificateDer<'static>>, key: &KeyPair) -> Arc<ServerConfig> {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    Arc::new(config)
}

fn answers() -> Vec<Vec<Step>> {
    let once = [Step::Read, Step::Send(json("{}"))];
    vec![once.iter().cloned().cycle().take(20).collect()]
}

fn caller(server: &Hostile, host: &str, more: &str, keys: &str) -> Caller {
    let url = format!("https://{host}:{}/", server.address.port());
    Caller::with(&url, keys, more, Resolver::System)
}

/// No default provider is installed in this process: a client that looked for one would panic (A6).
#[test]
fn a6_a_trusted_function_is_called_and_its_connection_kept() {
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
    run(async {
        let authority = Authority::new("good");
        for host in ["localhost", "127.0.0.1"] {
            let server = authority.server(host, false, answers());
            let caller = caller(&server, host, &authority.keys(), "");
            assert_eq!(parsed(&caller.call().await), "{}");
            let again = caller.call().await;
            assert_eq!(parsed(&again), "{}");
            assert!(again.reused_connection);
            assert_eq!(server.connections(), 1);
            let seen = &server.requests()[0];
            assert_eq!(
                seen.header("host"),
                Some(format!("{host}:{}", server.address.port()).as_str())
            );
        }
    });
}

#[test]
fn f12_certificates_that_prove_nothing() {
    run(async {
        let (authority, stranger) = (Authority::new("mine"), Authority::new("other"));
        let key = KeyPair::generate().unwrap();
        let own = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let own = own.self_signed(&key).unwrap();
        let servers = [
            ("expired", authority.server("localhost", true, answers())),
            ("wrong host", authority.server("other.example", false, answers())),
            ("unknown authority", stranger.server("localhost", false, answers())),
            ("self-signed", Hostile::with_tls(answers(), tls(vec![own.der().clone()], &key))),
            ("no TLS", Hostile::new(vec![vec![Step::Send(json("{}"))]])),
        ];
        for (what, server) in servers {
            let problem = caller(&server, "localhost", &authority.keys(), "").problem().await;
            assert!(
                matches!(problem, CallError::Transport(TransportError::Tls { .. })),
                "{what}: {problem}"
            );
            assert!(what == "no TLS" || server.requests().is_empty(), "{what} saw the request");
        }
    });
}

#[test]
fn f12_a_stalled_handshake_ends_with_the_deadline() {
    run(async {
        let server = Hostile::new(vec![vec![Step::Hang]]);
        let problem = caller(&server, "localhost", "", "timeout_ms = 200").problem().await;
        assert!(
            matches!(problem, CallError::Timeout { phase: CallPhase::Handshake, .. }),
            "{problem}"
        );
    });
}

#[test]
fn f12_a_cut_in_the_stream_is_noticed() {
    run(async {
        let authority = Authority::new("cut");
        let whole = json(r#"{"a":1}"#);
        for cut in [0, 5, 40, whole.len() - 1] {
            let script = vec![Step::Read, Step::Send(whole[..cut].to_vec())];
            let server = authority.server("localhost", false, vec![script]);
            let problem = caller(&server, "localhost", &authority.keys(), "").problem().await;
            assert!(["closed", "truncated"].contains(&problem.kind()), "{cut} {problem}");
        }
    });
}

#[test]
fn a_redirect_from_https_to_http_is_refused() {
    run(async {
        let authority = Authority::new("down");
        let plain = Hostile::always(json("{}"));
        let redirect = crate::support::hostile::answer(
            "307 x",
            &format!("Location: {}\r\n", plain.url("/")),
            "",
        );
        let script = vec![Step::Read, Step::Send(redirect)];
        let server = authority.server("localhost", false, vec![script]);
        let more = format!("{}\nallow = [\"127.0.0.0/8\"]", authority.keys());
        let problem = caller(&server, "localhost", &more, "").problem().await;
        assert!(matches!(problem, CallError::Scheme { .. }), "{problem}");
        assert_eq!(plain.connections(), 0);
    });
}

#[test]
fn an_authority_file_that_cannot_be_used() {
    let folder = std::env::temp_dir();
    let empty = folder.join(format!("twimlgate-test-{}-empty.pem", std::process::id()));
    std::fs::write(&empty, "no certificate here").unwrap();
    for (file, expected) in [(empty.clone(), "no certificate"), (folder, "cannot be read")] {
        let text = format!("[egress]\nca_file = \"{}\"", file.display());
        let source = twimlgate::diagnostics::problem::Source::new("config.toml", &text);
        let parsed = twimlgate::config::Config::parse(&source, "".as_ref(), &|_| None);
        let Some(config) = parsed.0 else { continue };
        let error =
            twimlgate::function::SharedFunctions::new(&config, Resolver::System).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    let _ = std::fs::remove_file(empty);
}
