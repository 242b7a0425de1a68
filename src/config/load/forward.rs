//! `[route."/prefix/*"]` with `forward`: an application behind the gateway.

use toml::de::DeValue;

use super::function::parse_function_url;
use super::milliseconds;
use super::route::is_path;
use crate::config::ForwardSection;
use crate::diagnostics::toml_reader::{Spanned, TomlKey, TomlReader, TomlTable, TomlValue};

/// Whether the section of a route is one of an application.
pub(super) fn is_forward(path: &str, value: &TomlValue<'_>) -> bool {
    let has_key = match value.get_ref() {
        DeValue::Table(table) => table.contains_key("forward"),
        _ => false,
    };
    has_key || path.contains('*')
}

pub(super) fn read_forward(
    reader: &mut TomlReader<'_>,
    path: &TomlKey<'_>,
    value: &TomlValue<'_>,
) -> Option<ForwardSection> {
    let name = format!("route.\"{}\"", path.get_ref());
    let section = reader.section("route.PREFIX*", &name, Some(value));
    let prefix = path.get_ref().strip_suffix("/*");
    let is_prefix = prefix
        .is_some_and(|prefix| !prefix.contains('*') && (prefix.is_empty() || is_path(prefix)));
    if !is_prefix {
        let problem = reader.source.error(path.span(), format!("`{name}` is not a prefix"));
        reader.report(problem.expected("a path that ends in `/*`").help(
            "`forward` passes all paths below a prefix on, `/app/*` or `/*`; one path is the \
             `url` of a `[function.NAME]`",
        ));
    }
    let url = section.text(reader, "forward");
    let open = section.list(reader, "open");
    let timeout = section.integer(reader, "timeout_ms");
    let voice_fallback = section.set_text(reader, "voice_fallback");
    let message_fallback = section.set_text(reader, "message_fallback");
    report_wrong_open(reader, &section, &open);
    let url = url.and_then(|url| {
        let parsed = parse_function_url(&url.value).filter(|url| url.query().is_none());
        if parsed.is_none() {
            let problem = section.wrong(&reader.source, "forward", &url);
            let problem = problem.expected("a URL like `http://127.0.0.1:3000`");
            reader.report(problem.help("http or https, with a host, and without a query"));
        }
        parsed
    });
    // Every key was read before the first `?`, so that each mistake is reported.
    Some(ForwardSection {
        url: url?,
        open: open.into_iter().map(|path| reader.config_text(path)).collect(),
        timeout: milliseconds(timeout?.value),
        voice_fallback: voice_fallback.map(|text| reader.config_text(text)),
        message_fallback: message_fallback.map(|text| reader.config_text(text)),
    })
}

fn report_wrong_open(
    reader: &mut TomlReader<'_>,
    section: &TomlTable<'_, '_>,
    open: &[Spanned<String>],
) {
    for path in open {
        let is_ending = path.value.strip_prefix("*.").is_some_and(|ending| {
            !ending.is_empty() && ending.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
        let fixed = path.value.strip_suffix('*').unwrap_or(&path.value);
        if !is_ending && (!is_path(fixed) || fixed.contains('*')) {
            let problem = section.wrong(&reader.source, "open", path);
            reader.report(problem.expected("a path of the application, or an ending").help(
                "`/token` is one path, `/static/*` are all below `/static/`, `*.mp3` are the files \
                 with this ending",
            ));
        }
    }
}
