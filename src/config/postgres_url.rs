//! `[store] url = "postgres://…"`: what it names, checked.

use std::path::{Path, PathBuf};

use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// The database of a store, and the schema in it.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    /// Hosts, user, password and database.
    pub(crate) config: Config,
    /// The schema, `twimlgate` by default: lower-case letters, digits and `_`.
    pub(crate) schema: String,
    /// Whether connections are encrypted, and the server's certificate verified.
    pub(crate) is_encrypted: bool,
    /// Authorities beside the public ones.
    pub(crate) root_certificate: Option<PathBuf>,
}

/// The name of the schema where the URL names none.
const SCHEMA: &str = "twimlgate";

/// PostgreSQL cuts longer names off, and two would be one.
const SCHEMA_BYTES_MAX: usize = 40;

/// What a URL looks like.
const FORM: &str = "`postgres://USER:PASSWORD@HOST/DATABASE`";

// === impl PostgresUrl ===

impl PostgresUrl {
    /// Reads a URL with its scheme. The query parameters `schema`, `sslmode` and `sslrootcert` are
    /// read here, and the others are those of libpq. Files are relative to `folder`.
    ///
    /// # Errors
    /// What is expected instead.
    pub fn parse(url: &str, folder: &Path) -> Result<PostgresUrl, String> {
        let mut parsed = url::Url::parse(url).map_err(|error| format!("{FORM}: {error}"))?;
        let (mut schema, mut mode, mut root_certificate) = (SCHEMA.to_owned(), None, None);
        let mut others = Vec::new();
        for (name, value) in parsed.query_pairs() {
            match &*name {
                "schema" => schema = value.into_owned(),
                "sslmode" => mode = Some(value.into_owned()),
                "sslrootcert" => root_certificate = Some(folder.join(&*value)),
                _ => others.push((name.into_owned(), value.into_owned())),
            }
        }
        // A part of each statement, and so never quoted.
        let is_name = schema.len() <= SCHEMA_BYTES_MAX
            && schema.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
            && schema.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if !is_name {
            return Err("a `schema` of lower-case letters, digits and `_`".to_owned());
        }
        parsed.set_query(None);
        if !others.is_empty() {
            parsed.query_pairs_mut().extend_pairs(others);
        }
        let config: Config = parsed.as_str().parse().map_err(|error: tokio_postgres::Error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            format!("{FORM}: {}", cause.unwrap_or_default())
        })?;
        if config.get_hosts().is_empty() || config.get_dbname().is_none() {
            return Err(format!("{FORM}, with a host and a database"));
        }
        let is_encrypted = match mode.as_deref() {
            None => !config.get_hosts().iter().all(is_local),
            Some("verify-full") => true,
            Some("disable") => false,
            Some(_) => {
                return Err("`sslmode` `verify-full` (the default for other machines) or \
                            `disable`"
                    .to_owned());
            }
        };
        Ok(PostgresUrl { config, schema, is_encrypted, root_certificate })
    }
}

/// Whether nothing between this process and a host can listen.
fn is_local(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost"
                || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
    }
}

impl std::fmt::Debug for PostgresUrl {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the password, which is not a part of these.
        formatter
            .debug_struct("PostgresUrl")
            .field("hosts", &self.config.get_hosts())
            .field("database", &self.config.get_dbname())
            .field("schema", &self.schema)
            .finish()
    }
}

impl std::fmt::Display for PostgresUrl {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let host = self.config.get_hosts().first().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.display().to_string(),
        });
        let database = self.config.get_dbname().unwrap_or_default();
        write!(formatter, "postgres://{}/{database}", host.unwrap_or_default())
    }
}
