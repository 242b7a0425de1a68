//! The configuration file as types.
//!
//! `keys` is the table of all keys; `load` reads each section with it, `reader`, `environment` and
//! `env_file` replace `${NAME}`, `redact` hides secrets in what is shown, and `schema` prints the
//! table for editors. `account`, `forward`, `project` and `trace` have the types of their
//! sections, the others are here. Every value of a [`Config`] is valid by itself, so that later
//! stages need no checks. Whether the values fit the flows and templates is not known here: the
//! gateway checks that.

mod account;
mod config_text;
mod env_file;
mod environment;
mod forward;
mod function;
mod ip_range;
mod keys;
mod load;
mod postgres_url;
mod project;
mod quote;
mod reader;
mod redact;
mod rewrite;
mod schema;
mod trace;

pub use account::{Account, HmacAlgorithm, SharedKey};
pub use config_text::ConfigText;
pub(crate) use environment::Environment;
pub use forward::ForwardSection;
pub use function::{Function, FunctionBody, HoldSettings};
pub use ip_range::IpRange;
pub use postgres_url::PostgresUrl;
pub use project::{FunctionTarget, ProjectSection};
pub(crate) use quote::{quote_name, quote_text};
pub(crate) use reader::NEEDS_ENVIRONMENT;
pub(crate) use rewrite::PROJECT_SCHEME;
pub use rewrite::UrlRewrite;
pub(crate) use schema::config_schema;
pub use trace::TraceSection;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::Method;
use jiff::tz::TimeZone;

use crate::channel::Channel;
use crate::diagnostics::problem::{Problem, Problems, Severity, Source};
use crate::limits::CONFIG_BYTES_MAX;
use crate::read_limited::read_text_limited;

/// A whole configuration file.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder of the file. Paths in the file are relative to it.
    pub folder: PathBuf,
    /// Whether routes of the file were removed. Then the name of a flow that is not here may be
    /// that of a removed route.
    pub is_partial: bool,
    /// `[server]`: the public listener.
    pub server: ServerSection,
    /// `[admin]`: health and metrics, on a listener of their own.
    pub admin: AdminSection,
    /// `[log] format`.
    pub log: LogFormat,
    /// `[dev]`: what `twimlgate dev` does beside serving.
    pub dev: DevSection,
    /// `[store] url`: where executions and claims are stored.
    pub store: StoreUrl,
    /// `[trace]`: what is stored of conversations.
    pub trace: TraceSection,
    /// `[signature]`: how to answer a webhook without a valid signature.
    pub signature: SignatureMode,
    /// `[[account]]`: the accounts whose webhooks are accepted.
    pub accounts: Vec<Arc<Account>>,
    /// `[egress]`: where calls of functions and their redirects may connect to.
    pub egress: Egress,
    /// `[functions]`: a folder of Twilio Functions.
    pub project: ProjectSection,
    /// `[function.NAME]`: the user's code.
    pub functions: BTreeMap<String, Arc<Function>>,
    /// `[flow.NAME]`: flows with a name, which need no route.
    pub flows: BTreeMap<String, FlowFile>,
    /// `[[rewrite]]`: replacements of URLs in imported flows, the longest beginning first.
    pub rewrites: Vec<UrlRewrite>,
    /// `[route."/path"]`: how to answer webhooks.
    pub routes: BTreeMap<String, RouteSection>,
    /// `[route."/prefix/*"]` with `forward`: applications.
    pub forwards: BTreeMap<String, ForwardSection>,
}

/// `[server]`
#[derive(Clone, Debug)]
pub struct ServerSection {
    /// The address of the public listener.
    pub listen: SocketAddr,
    /// The beginning of the URLs that the carrier signs: scheme, host and port as typed into its
    /// console, and a path prefix if a proxy removes one; without a slash at the end. `None`:
    /// `http://` and the Host header of the request, for tests on one machine.
    pub public_url: Option<String>,
    /// Proxies whose `X-Forwarded-Proto`, `-Host` and `-Port` replace the public URL.
    pub trusted_proxies: Vec<IpRange>,
    /// The folder of the templates.
    pub templates: PathBuf,
    /// The time zone of dates in templates that have none.
    pub time_zone: TimeZone,
    /// Worker threads. Default: one per core.
    pub workers: Option<usize>,
    /// The time from the arrival of a webhook to its answer.
    pub answer_within: Duration,
    /// The same on the routes of flow files, whose functions have more time.
    pub flow_answer_within: Duration,
    /// The certificate and its key; `None` without TLS on the listener.
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
    /// The address of the admin listener; `None` if it is off.
    pub listen: Option<SocketAddr>,
}

/// `[dev]`: only `twimlgate dev` reads it.
#[derive(Clone, Debug, Default)]
pub struct DevSection {
    /// The program with the functions, for a shell; `None`: the functions run elsewhere.
    pub command: Option<String>,
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
    /// `memory:`, lost when the process ends.
    Memory,
    /// `sqlite:FILE`, relative to the folder of the configuration.
    Sqlite(PathBuf),
    /// `postgres://…`, shared by several gateways.
    Postgres(Box<PostgresUrl>),
}

/// `[signature] mode`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureMode {
    /// A webhook without a valid signature gets 403 and has no effect.
    Enforce,
    /// The webhook is answered, and the log has the reason why `enforce` would refuse it.
    Report,
    /// Signatures are not checked.
    Off,
}

/// `[egress]`
#[derive(Clone, Debug, Default)]
pub struct Egress {
    /// Private addresses that redirects and computed URLs may lead to, in addition to the hosts in
    /// the configuration and its flows.
    pub allow: Vec<EgressRule>,
    /// Additional certificate authorities, PEM.
    pub ca_file: Option<PathBuf>,
}

/// One line of `[egress] allow`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EgressRule {
    /// `10.1.0.0/16`: every address in the range.
    Range(IpRange),
    /// `internal.example:8443` or `internal.example`: the host as written in a URL, on one port or
    /// on any.
    Host(String, Option<u16>),
}

/// `[route."/path"]`
#[derive(Clone, Debug)]
pub struct RouteSection {
    /// The kind of webhooks that arrive here.
    pub channel: Channel,
    /// The flow that runs.
    pub answer: RouteAnswer,
    /// The answer if the flow fails without a document of its own; a file under `templates/`.
    /// `None`: the built-in one.
    pub fallback: Option<ConfigText>,
    /// Whether cookies pass between the carrier and the functions of the route.
    pub cookies: bool,
}

/// What answers on a route. Each of them becomes a flow.
#[derive(Clone, Debug)]
pub enum RouteAnswer {
    /// `function`, `success`, `fail`.
    Short(ShortRoute),
    /// `flow`: a file, relative to the configuration.
    Flow(ConfigText),
    /// `document` or `twiml`: TwiML without a function.
    Document(RouteDocument),
    /// `redirect`: TwiML that sends the carrier to other TwiML.
    Redirect(RouteRedirect),
}

/// The TwiML of a route without a function: a Liquid template.
#[derive(Clone, Debug)]
pub enum RouteDocument {
    /// `document`: a file under `templates/`.
    File(ConfigText),
    /// `twiml`: the text itself.
    Inline(ConfigText),
}

/// The TwiML that a route redirects to.
#[derive(Clone, Debug)]
pub struct RouteRedirect {
    /// The URL, absolute or relative to that of the route.
    pub url: ConfigText,
    /// The method of the carrier's request.
    pub method: Method,
}

/// `[flow.NAME]`
#[derive(Clone, Debug)]
pub struct FlowFile {
    /// The file, relative to the configuration.
    pub file: ConfigText,
    /// The sid that `run-subflow` refers to. `None`: derived from the name.
    pub sid: Option<String>,
}

/// The short form of a route: one function and two documents.
#[derive(Clone, Debug)]
pub struct ShortRoute {
    /// The name of a configured function.
    pub function: String,
    /// Liquid templates, by parameter name, in the order of the file.
    pub parameters: Vec<(String, ConfigText)>,
    /// The template for a success of the function that is not TwiML.
    pub success: Option<ConfigText>,
    /// The template for a failure of the function.
    pub fail: Option<ConfigText>,
    /// Whether the function also gets status callbacks and delivery receipts.
    pub status_callbacks: bool,
}

// === impl RouteAnswer ===

impl RouteAnswer {
    /// Whether webhooks that report an event are passed to the function. A flow decides by its
    /// widgets.
    pub(crate) fn takes_status_callbacks(&self) -> bool {
        matches!(self, RouteAnswer::Short(short) if short.status_callbacks)
    }

    /// The flow file; `None` where the configuration itself has the flow.
    pub(crate) fn flow_file(&self) -> Option<&ConfigText> {
        match self {
            RouteAnswer::Flow(file) => Some(file),
            RouteAnswer::Short(_) | RouteAnswer::Document(_) | RouteAnswer::Redirect(_) => None,
        }
    }
}

// === impl Config ===

impl Config {
    /// Reads a configuration file, with the values of `${NAME}` from the environment, the
    /// `.env` file beside it, and the credentials. If one of the problems is an error, the
    /// configuration must not be run.
    pub fn read(path: &Path) -> (Option<Config>, Problems) {
        let name = path.display().to_string();
        match read_text_limited(path, CONFIG_BYTES_MAX) {
            Ok(text) => {
                // Not the working folder: a unit of systemd runs in another one than a shell.
                let folder = path.parent().unwrap_or(Path::new(""));
                let mut problems = Problems::default();
                let environment = Environment::read(folder, &mut problems);
                let source = Source::new(&name, &text);
                let variable = |name: &str| environment.variable(name);
                let (config, found) = Config::parse(&source, folder, &variable);
                problems.extend(found.iter().cloned());
                (config, problems)
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

    /// Removes the routes that do not fit.
    pub(crate) fn retain_routes(&mut self, fits: impl Fn(&str, &RouteSection) -> bool) {
        self.routes.retain(|path, route| fits(path, route));
        self.is_partial = true;
    }

    /// Reads a configuration from a text.
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
        // Addresses first: `::1` would else be a host with a port.
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
        // An IPv6 address with a port is in brackets, as in a URL.
        let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let address = literal.is_some_and(|host| host.parse::<std::net::Ipv6Addr>().is_ok());
        if !name(host) && !address {
            return Err(expected());
        }
        // Hosts are compared in lower case.
        Ok(EgressRule::Host(host.to_ascii_lowercase(), port))
    }
}
