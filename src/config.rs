//! `config.toml` as types: every value here is checked, so nothing after it asks again.

mod config_text;
mod environment;
mod keys;
mod load;
mod reader;
mod redact;
mod rewrite;
mod schema;

pub use config_text::ConfigText;
pub(crate) use environment::environment_variable;
pub(crate) use reader::NEEDS_ENVIRONMENT;
pub use rewrite::UrlRewrite;
pub(crate) use schema::config_schema;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::{Method, Uri};
use jiff::tz::TimeZone;

use crate::channel::Channel;
use crate::diagnostics::problem::{Problem, Problems, Severity, Source};
use crate::limits::CONFIG_BYTES_MAX;
use crate::read_limited::read_text_limited;
use crate::secret::Secret;

/// A whole configuration file.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder of the file: what it names is relative to here.
    pub folder: PathBuf,
    /// `[server]`: the public listener.
    pub server: ServerSection,
    /// `[admin]`: health and metrics, on a listener of their own.
    pub admin: AdminSection,
    /// `[log] format`.
    pub log: LogFormat,
    /// `[store] url`: where executions and claims are stored.
    pub store: StoreUrl,
    /// `[signature]`: what a wrong signature leads to.
    pub signature: SignatureMode,
    /// `[[account]]`: who may call.
    pub accounts: Vec<Arc<Account>>,
    /// `[egress]`: where functions and redirects may lead.
    pub egress: Egress,
    /// `[function.NAME]`: the user's code.
    pub functions: BTreeMap<String, Arc<Function>>,
    /// `[flow.NAME]`: flows that no route needs to name.
    pub flows: BTreeMap<String, FlowFile>,
    /// `[[rewrite]]`: where the URLs of imported flows lead.
    pub rewrites: Vec<UrlRewrite>,
    /// `[route."/path"]`: what answers.
    pub routes: BTreeMap<String, RouteSection>,
}

/// `[server]`
#[derive(Clone, Debug)]
pub struct ServerSection {
    /// Where webhooks arrive.
    pub listen: SocketAddr,
    /// What the carrier signs: scheme, host, port as typed into the carrier's console, and a path
    /// prefix if a proxy strips one; no trailing slash, no query. `None`: taken from the request,
    /// `http://` and its Host header (for a laptop).
    pub public_url: Option<String>,
    /// Proxies whose `X-Forwarded-Proto`, `-Host` and `-Port` replace the public URL.
    pub trusted_proxies: Vec<IpRange>,
    /// Where the templates are.
    pub templates: PathBuf,
    /// The zone of dates in templates that name none.
    pub time_zone: TimeZone,
    /// Worker threads. Default: one per core.
    pub workers: Option<usize>,
    /// From the arrival of a webhook to its answer.
    pub answer_within: Duration,
    /// Certificate chain and key, both PEM files, when TLS ends here.
    pub tls: Option<TlsFiles>,
}

/// `[server.tls]`
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate chain, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

/// `[admin]`
#[derive(Clone, Debug)]
pub struct AdminSection {
    /// Where `/healthz`, `/readyz` and `/metrics` are; `None` when switched off.
    pub listen: Option<SocketAddr>,
}

/// `[log] format`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Human on a terminal, JSON otherwise.
    Auto,
    /// One readable line per webhook.
    Human,
    /// One JSON object per line.
    Json,
}

/// `[store] url`
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreUrl {
    /// `memory:`, it ends with the process.
    Memory,
    /// `sqlite:FILE`, relative to the folder of the configuration.
    Sqlite(PathBuf),
}

/// `[signature] mode`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureMode {
    /// A webhook without a fitting signature gets 403 and does nothing.
    Enforce,
    /// It is answered, and the log gives the reason for which `enforce` would refuse it.
    Report,
    /// Signatures are not checked.
    Off,
}

/// `[[account]]`
#[derive(Debug)]
pub struct Account {
    /// The account's identifier, `AC…` at Twilio; webhooks name it in `AccountSid`.
    pub sid: String,
    /// Any of them may have signed: two while one is rotated. The first signs our own calls.
    pub auth_tokens: Vec<Secret>,
    /// Where the carrier's API is asked, without a slash at the end; `None`: at Twilio's hosts.
    pub api_url: Option<String>,
    /// SharedKeys (`X-Twilio-Webhooks-Signature-Settings`), each bound to one algorithm.
    pub shared_keys: Vec<SharedKey>,
}

/// `[[account.shared_key]]`
#[derive(Clone, Debug)]
pub struct SharedKey {
    /// `webhooks_sharedkey_…`
    pub id: String,
    /// The key itself.
    pub secret: Secret,
    /// The only algorithm that this key may be used with: the header does not choose.
    pub algorithm: HmacAlgorithm,
}

/// The hash under an HMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HmacAlgorithm {
    /// `HMAC_SHA1`
    Sha1,
    /// `HMAC_SHA256`
    Sha256,
}

/// `[egress]`
#[derive(Clone, Debug, Default)]
pub struct Egress {
    /// Private addresses that redirects and computed URLs may lead to, besides the hosts that
    /// the configuration and its flows name themselves.
    pub allow: Vec<EgressRule>,
    /// More certificate authorities, PEM, beside the public ones.
    pub ca_file: Option<PathBuf>,
}

/// One line of `[egress] allow`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EgressRule {
    /// `10.1.0.0/16`: every address in it.
    Range(IpRange),
    /// `internal.example:8443` or `internal.example`: the host as written in a URL, on one port or
    /// on any.
    Host(String, Option<u16>),
}

/// An address with a prefix length: `10.0.0.0/8`, or one address alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpRange {
    /// The first address of the range.
    pub address: IpAddr,
    /// How many leading bits count.
    pub prefix: u8,
}

/// `[function.NAME]`
#[derive(Clone)]
pub struct Function {
    /// The name it is configured under; short routes name their widget after it.
    pub name: String,
    /// Scheme `http` or `https`, with a host.
    pub url: Uri,
    /// `POST` or `GET`.
    pub method: Method,
    /// The whole answer, redirects and body included.
    pub timeout: Duration,
    /// A larger body is `fail`.
    pub max_body_bytes: usize,
    /// The carrier's parameters go along, under the configured ones.
    pub forward_webhook: bool,
    /// Findings in returned TwiML are `fail`.
    pub strict: bool,
    /// It may see one call twice: retried on a fresh connection also when it may have seen it.
    pub idempotent: bool,
    /// The HTTP version of the request. 1.0 is for functions that frame their answer by closing.
    pub http_1_0: bool,
    /// Connections per worker to this function.
    pub connections: usize,
    /// What its callers hear while it is at work. `None`: it answers in time, or fails.
    pub hold: Option<HoldSettings>,
}

/// `hold` and `hold_after_ms` of a `[function.NAME]`.
#[derive(Clone, Debug)]
pub struct HoldSettings {
    /// The document that a caller hears, a file under `templates/`.
    pub document: ConfigText,
    /// How long the function may take before its caller hears it, and between one time and the
    /// next.
    pub after: Duration,
}

/// `[route."/path"]`
#[derive(Clone, Debug)]
pub struct RouteSection {
    /// Voice or message.
    pub channel: Channel,
    /// What runs.
    pub answer: RouteAnswer,
    /// The document when the flow fails without one of its own; a file under `templates/`.
    /// `None`: the built-in one.
    pub fallback: Option<ConfigText>,
}

/// What runs on a route.
#[derive(Clone, Debug)]
pub enum RouteAnswer {
    /// `function`, `success`, `fail`.
    Short(ShortRoute),
    /// `flow`: a file, relative to the configuration.
    Flow(ConfigText),
}

/// `[flow.NAME]`
#[derive(Clone, Debug)]
pub struct FlowFile {
    /// The file, relative to the configuration.
    pub file: ConfigText,
    /// What `run-subflow` calls it.
    pub sid: Option<String>,
}

/// The short form of a route: one function, two documents.
#[derive(Clone, Debug)]
pub struct ShortRoute {
    /// A configured function.
    pub function: String,
    /// Liquid templates, by parameter name, in the order of the file.
    pub parameters: Vec<(String, ConfigText)>,
    /// Rendered when the function succeeded with JSON or another type than TwiML.
    pub success: Option<ConfigText>,
    /// Rendered when it failed.
    pub fail: Option<ConfigText>,
}

// === impl Function ===

impl fmt::Debug for Function {
    /// Without the URL, which may contain user and password.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Function").field("name", &self.name).finish_non_exhaustive()
    }
}

// === impl Config ===

impl RouteAnswer {
    /// The file of a flow, where it is one.
    pub fn flow_file(&self) -> Option<&ConfigText> {
        match self {
            RouteAnswer::Flow(file) => Some(file),
            RouteAnswer::Short(_) => None,
        }
    }
}

impl Config {
    /// Reads a file, with `${NAME}` from the environment, or else from the file of that name in the
    /// folder `$CREDENTIALS_DIRECTORY`, where systemd and others put what must stay secret. The
    /// second half is everything that is wrong with it; the first is only fit to run where that
    /// holds no error. Paths in it are relative to the folder of the file, not to the working
    /// folder.
    pub fn read(path: &Path) -> (Option<Config>, Problems) {
        let name = path.display().to_string();
        match read_text_limited(path, CONFIG_BYTES_MAX) {
            Ok(text) => {
                let folder = path.parent().unwrap_or(Path::new(""));
                Config::parse(&Source::new(&name, &text), folder, &environment_variable)
            }
            Err(error) => {
                let message = format!("cannot read the configuration `{name}`: {error}");
                let help = "name another file with `--config FILE`, begin with the commented \
                            `config.toml` of the distribution, or try `twimlgate demo`, which \
                            needs none";
                let mut problems = Problems::default();
                problems.push(Problem::new(Severity::Error, message).help(help));
                (None, problems)
            }
        }
    }

    /// The same from a text.
    pub fn parse(
        source: &Source,
        folder: &Path,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> (Option<Config>, Problems) {
        load::load_config(source, folder, variable)
    }
}

// === impl EgressRule ===

impl std::str::FromStr for EgressRule {
    type Err = String;

    fn from_str(text: &str) -> Result<EgressRule, String> {
        // First: `::1` is an address, not a host with a port.
        if let Ok(range) = text.parse() {
            return Ok(EgressRule::Range(range));
        }
        let expected =
            || "a host, `host:port`, an address or a range like `10.1.0.0/16`".to_owned();
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().map_err(|_| expected())?)),
            None => (text, None),
        };
        let name = |host: &str| {
            let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
            !host.is_empty() && host.chars().all(letter)
        };
        let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let address = literal.is_some_and(|host| host.parse::<std::net::Ipv6Addr>().is_ok());
        if !name(host) && !address {
            return Err(expected());
        }
        Ok(EgressRule::Host(host.to_ascii_lowercase(), port))
    }
}

// === impl IpRange ===

impl IpRange {
    /// Whether the address is in the range. An IPv4 address mapped into IPv6 counts as the IPv4
    /// address that it is.
    pub fn contains(&self, address: IpAddr) -> bool {
        fn bits(address: IpAddr) -> (u128, u32) {
            match address.to_canonical() {
                IpAddr::V4(v4) => (u32::from(v4).into(), 32),
                IpAddr::V6(v6) => (v6.into(), 128),
            }
        }
        let ((network, width), (candidate, other)) = (bits(self.address), bits(address));
        // A shift by the whole width is no shift in Rust: `::/0` ignores every bit.
        let ignored = width.saturating_sub(self.prefix.into());
        width == other && (network ^ candidate).checked_shr(ignored).unwrap_or(0) == 0
    }
}

impl std::str::FromStr for IpRange {
    type Err = String;

    fn from_str(text: &str) -> Result<IpRange, String> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
        let expected =
            || format!("`{text}` is not an address range, expected one like `10.0.0.0/8` or `::1`");
        let address: IpAddr = address.parse().map_err(|_| expected())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) => prefix.parse().ok().filter(|bits| *bits <= width),
            None => Some(width),
        };
        Ok(IpRange { address, prefix: prefix.ok_or_else(expected)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let contains = |range: &str, address: &str| {
            range.parse::<IpRange>().unwrap().contains(address.parse().unwrap())
        };
        assert!(contains("10.0.0.0/8", "10.255.0.1") && !contains("10.0.0.0/8", "11.0.0.1"));
        assert!(contains("0.0.0.0/0", "8.8.8.8") && !contains("0.0.0.0/0", "::1"));
        assert!(contains("::/0", "fe80::1") && contains("::1", "::1") && !contains("::1", "::2"));
        assert!(contains("127.0.0.1", "::ffff:127.0.0.1"));
        for wrong in ["", "10", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/8/8"] {
            assert!(wrong.parse::<IpRange>().is_err(), "{wrong}");
        }
    }
}
