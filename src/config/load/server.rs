//! `[server]`, `[admin]`, `[log]`, `[store]` and `[egress]`: the gateway itself.

use std::time::Duration;

use jiff::tz::TimeZone;
use toml::de::DeTable;

use super::milliseconds;
use crate::config::{
    AdminSection, DevSection, Egress, EgressRule, IpRange, LogFormat, PostgresUrl, ServerSection,
    StoreUrl, TlsFiles, TraceSection,
};
use crate::diagnostics::toml_reader::{Spanned, TomlReader, TomlTable};
use crate::limits::FLOW_ANSWER_WITHIN;
use crate::uri::{http_url, parts};

pub(super) fn read_server(
    reader: &mut TomlReader<'_>,
    file: &DeTable<'_>,
) -> Option<ServerSection> {
    let section = reader.section("server", "server", file.get("server"));
    let listen = section.text(reader, "listen");
    let listen = listen.and_then(|text| section.parse(reader, "listen", text));
    let public_url = read_base_url(reader, &section, "public_url");
    let proxies = section.list(reader, "trusted_proxies").into_iter();
    let trusted_proxies =
        proxies.filter_map(|range| parse_ip_range(reader, &section, range)).collect();
    let templates = section.text(reader, "templates");
    let time_zone = read_time_zone(reader, &section);
    let workers = section.integer(reader, "workers");
    let answer_within = section.integer(reader, "answer_within_ms");
    // Every key is read before the first `?`, so that each mistake is reported.
    let tls = read_tls(reader, file);
    report_equal_listeners(reader, file);
    let answer_within = milliseconds(answer_within?.value);
    let flow_answer_within =
        if section.is_set("answer_within_ms") { answer_within } else { FLOW_ANSWER_WITHIN };
    Some(ServerSection {
        listen: listen?.value,
        public_url,
        trusted_proxies,
        templates: reader.folder.join(templates?.value),
        time_zone: time_zone?,
        // 0 means one per core, as if it were not set.
        workers: workers.filter(|count| count.value > 0).map(|count| count.value as usize),
        answer_within,
        flow_answer_within,
        tls,
    })
}

/// Reads the beginning of URLs; `None` if the key is not set.
pub(super) fn read_base_url(
    reader: &mut TomlReader<'_>,
    section: &TomlTable<'_, '_>,
    key: &str,
) -> Option<String> {
    let url = section.set_text(reader, key)?;
    let checked = parse_base_url(&url.value);
    if checked.is_none() {
        let problem = section.wrong(&reader.source, key, &url);
        let problem = problem.expected("a URL like `https://phone.example.com`");
        reader.report(problem.help("leave out query and fragment"));
    }
    checked
}

fn read_time_zone(reader: &mut TomlReader<'_>, section: &TomlTable<'_, '_>) -> Option<TimeZone> {
    let name = section.text(reader, "time_zone")?;
    let zone = TimeZone::get(&name.value);
    if zone.is_err() {
        let problem = section.wrong(&reader.source, "time_zone", &name);
        reader.report(problem.expected("a name of the time zone database, like `Europe/Berlin`"));
    }
    zone.ok()
}

/// Parses a scheme and host, with an optional port and path. User and password are removed, because
/// Twilio does not sign them, and so is a slash at the end.
fn parse_base_url(text: &str) -> Option<String> {
    let (scheme, authority, path) = parts(text);
    // The text is used and not the parsed `Url`, which is normalized: the carrier signs the text.
    http_url(text).filter(|_| !path.contains(['?', '#', ' ']))?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    Some(format!("{scheme}://{host}{}", path.trim_end_matches('/')))
}

fn parse_ip_range(
    reader: &mut TomlReader<'_>,
    section: &TomlTable<'_, '_>,
    range: Spanned<String>,
) -> Option<IpRange> {
    let parsed = range.value.parse();
    if parsed.is_err() {
        let expected = "an address or a range, like `10.0.0.0/8` or `::1`";
        reader.report(
            section
                .wrong(&reader.source, "trusted_proxies", &range)
                .expected(expected)
                .help("host names cannot be trusted"),
        );
    }
    parsed.ok()
}

/// Reports two listeners with one address, which would otherwise fail only at the start.
fn report_equal_listeners(reader: &mut TomlReader<'_>, file: &DeTable<'_>) {
    let listen = |name: &str| file.get(name)?.get_ref().as_table()?.get("listen").cloned();
    if let (Some(server), Some(admin)) = (listen("server"), listen("admin"))
        && server.get_ref().as_str() == admin.get_ref().as_str()
        // Port 0 stands for any free port.
        && server.get_ref().as_str().is_some_and(|address| !address.ends_with(":0"))
    {
        let problem = reader.source.error(admin.span(), "`admin.listen` is `server.listen` again");
        let help = "metrics must not be reachable where webhooks arrive: take another port";
        reader.report(problem.expected("another address or port").help(help));
    }
}

fn read_tls(reader: &mut TomlReader<'_>, file: &DeTable<'_>) -> Option<TlsFiles> {
    let server = file.get("server").and_then(|server| server.get_ref().as_table());
    let section =
        reader.section("server.tls", "server.tls", server.and_then(|server| server.get("tls")));
    let certificate = section.file(reader, "certificate");
    let key = section.file(reader, "key");
    match (certificate, key) {
        (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
        (None, None) => None,
        _ => {
            let problem = reader.source.error(section.span(), "`server.tls` is half a pair");
            reader.report(problem.expected("both `certificate` and `key`"));
            None
        }
    }
}

pub(super) fn read_admin(reader: &mut TomlReader<'_>, file: &DeTable<'_>) -> AdminSection {
    let section = reader.section("admin", "admin", file.get("admin"));
    // Empty: there is no such listener.
    let listen = section.set_text(reader, "listen");
    let listen = listen.and_then(|text| section.parse(reader, "listen", text));
    AdminSection { listen: listen.map(|listen| listen.value) }
}

pub(super) fn read_log_format(reader: &mut TomlReader<'_>, file: &DeTable<'_>) -> LogFormat {
    let section = reader.section("log", "log", file.get("log"));
    match section.text(reader, "format").map(|format| format.value).as_deref() {
        Some("human") => LogFormat::Human,
        Some("json") => LogFormat::Json,
        _ => LogFormat::Auto,
    }
}

pub(super) fn read_dev(reader: &mut TomlReader<'_>, file: &DeTable<'_>) -> DevSection {
    let section = reader.section("dev", "dev", file.get("dev"));
    let command = section.text(reader, "command").map(|command| command.value);
    DevSection { command: command.filter(|command| !command.trim().is_empty()) }
}

pub(super) fn read_store_url(reader: &mut TomlReader<'_>, file: &DeTable<'_>) -> StoreUrl {
    let section = reader.section("store", "store", file.get("store"));
    // After an error the gateway does not start, so the value for a wrong one is never used.
    let Some(url) = section.text(reader, "url") else { return StoreUrl::Memory };
    match url.value.split_once(':') {
        Some(("memory", "")) => StoreUrl::Memory,
        Some(("sqlite", file)) if !file.is_empty() => StoreUrl::Sqlite(reader.folder.join(file)),
        Some(("postgres" | "postgresql", _)) => {
            match PostgresUrl::parse(&url.value, reader.folder) {
                Ok(postgres) => {
                    if has_hold(file) {
                        let warning = reader.source.warning(url.span.clone(), HOLD_IS_LOCAL);
                        reader.report(warning);
                    }
                    StoreUrl::Postgres(Box::new(postgres))
                }
                Err(expected) => {
                    let problem = section.wrong(&reader.source, "url", &url);
                    reader.report(problem.expected(expected));
                    StoreUrl::Memory
                }
            }
        }
        _ => {
            let problem = section.wrong(&reader.source, "url", &url);
            reader.report(problem.expected("`memory:`, `sqlite:FILE` or `postgres://…`"));
            StoreUrl::Memory
        }
    }
}

pub(super) fn read_trace(reader: &mut TomlReader<'_>, file: &DeTable<'_>) -> TraceSection {
    let section = reader.section("trace", "trace", file.get("trace"));
    let mut integer = |name| section.integer(reader, name).map_or(0, |value| value.value as u64);
    let per_second = integer("per_second");
    let max_age = Duration::from_hours(24 * integer("days"));
    let bytes_max = integer("max_mb") * 1024 * 1024;
    let never = section.list(reader, "never").into_iter().map(|name| name.value).collect();
    let file = section.set_text(reader, "file").map(|file| reader.folder.join(file.value));
    TraceSection { file, per_second, max_age, bytes_max, never }
}

/// The warning of a store that gateways share, where functions have `hold`.
const HOLD_IS_LOCAL: &str = "several gateways share the store, and calls with `hold` belong to \
                             one: another gateway that a call comes back to makes its function's \
                             call again, with the same `Idempotency-Key`";

/// Whether any function has `hold`.
fn has_hold(file: &DeTable<'_>) -> bool {
    let functions = file.get("function").and_then(|section| section.get_ref().as_table());
    let has_key = |function: &toml::Spanned<toml::de::DeValue<'_>>| {
        function.get_ref().as_table().is_some_and(|keys| keys.contains_key("hold"))
    };
    functions.is_some_and(|functions| functions.values().any(has_key))
}

pub(super) fn read_egress(reader: &mut TomlReader<'_>, file: &DeTable<'_>) -> Egress {
    let section = reader.section("egress", "egress", file.get("egress"));
    let mut allow = Vec::new();
    for text in section.list(reader, "allow") {
        match text.value.parse::<EgressRule>() {
            Ok(rule) => allow.push(rule),
            Err(expected) => {
                reader.report(section.wrong(&reader.source, "allow", &text).expected(expected))
            }
        }
    }
    Egress { allow, ca_file: section.file(reader, "ca_file") }
}
