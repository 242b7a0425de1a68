//! `[function.NAME]`: the user's functions.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::http::{Method, Uri};
use toml::de::DeTable;

use super::headers::read_headers;
use super::{milliseconds, named_tables};
use crate::config::{Function, FunctionBody, FunctionTarget, HoldSettings};
use crate::diagnostics::toml_reader::{Spanned, TomlKey, TomlReader, TomlTable};
use crate::uri::http_url;

pub(super) fn read_functions(
    reader: &mut TomlReader<'_>,
    file: &DeTable<'_>,
) -> BTreeMap<String, Arc<Function>> {
    let mut functions = BTreeMap::new();
    for (name, value) in named_tables(reader, file, "function") {
        let section =
            reader.section("function.NAME", &format!("function.{}", name.get_ref()), Some(value));
        if let Some(function) = read_function(reader, &section, name) {
            functions.insert(function.name.clone(), Arc::new(function));
        }
    }
    functions
}

fn read_function(
    reader: &mut TomlReader<'_>,
    section: &TomlTable<'_, '_>,
    name: &TomlKey<'_>,
) -> Option<Function> {
    let target = read_target(reader, section, name.get_ref());
    let method = section.text(reader, "method");
    let body = read_body(reader, section, method.as_ref());
    let headers = read_headers(reader, section);
    let timeout = section.integer(reader, "timeout_ms");
    let max_body_bytes = section.integer(reader, "max_body_bytes");
    let forward_webhook = section.bool(reader, "forward_webhook");
    let strict = section.bool(reader, "strict");
    let idempotent = section.bool(reader, "idempotent");
    let http_version = section.text(reader, "http_version");
    let connections = section.integer(reader, "connections");
    let hold = read_hold(reader, section);
    let widgets = section.list(reader, "widgets").into_iter();
    let widgets = widgets.map(|text| reader.config_text(text)).collect();
    let title = Spanned { value: name.get_ref().to_string(), span: name.span() };
    // The table of keys has one limit for all functions, and this one depends on another key.
    if let Some(timeout) =
        timeout.as_ref().filter(|timeout| timeout.value > TIMEOUT_WITHOUT_HOLD_MS_MAX)
        && hold.is_none()
    {
        let problem = section.wrong(&reader.source, "timeout_ms", timeout);
        let problem =
            problem.expected(format!("at most {TIMEOUT_WITHOUT_HOLD_MS_MAX} without `hold`"));
        reader.report(
            problem.help("the carrier gives up after 15 seconds; `hold` answers it meanwhile"),
        );
    }
    // Every key was read before the first `?`, so that each mistake is reported.
    Some(Function {
        name: name.get_ref().to_string(),
        target: target?,
        method: if method?.value == "GET" { Method::GET } else { Method::POST },
        body: body?,
        headers,
        // The default depends on the route, so it is not applied here.
        timeout: timeout.filter(|_| section.is_set("timeout_ms")).map(|it| milliseconds(it.value)),
        max_body_bytes: max_body_bytes?.value as usize,
        forward_webhook: forward_webhook?,
        strict: strict?,
        idempotent: idempotent?,
        http_1_0: http_version?.value == "1.0",
        connections: connections?.value as usize,
        hold,
        widgets,
        title: reader.config_text(title),
    })
}

fn read_body(
    reader: &mut TomlReader<'_>,
    section: &TomlTable<'_, '_>,
    method: Option<&Spanned<String>>,
) -> Option<FunctionBody> {
    let word = section.text(reader, "body")?;
    if word.value != "auto" && method.is_some_and(|method| method.value == "GET") {
        let problem = section.wrong(&reader.source, "body", &word);
        let help = "a GET has no body: all parameters are in its query";
        reader.report(problem.expected("none with `method = \"GET\"`").help(help));
    }
    Some(match word.value.as_str() {
        "form" => FunctionBody::Form,
        "json" => FunctionBody::Json,
        _ => FunctionBody::Auto,
    })
}

/// Reads where the code of a function is: one of three keys says it.
fn read_target(
    reader: &mut TomlReader<'_>,
    section: &TomlTable<'_, '_>,
    name: &str,
) -> Option<FunctionTarget> {
    let url = section.set_text(reader, "url");
    let file = section.set_text(reader, "file");
    // As it is written: a `${…}` of JavaScript is not a variable of the environment.
    let code = section.value(reader, "code", |value| Some(value.as_str()?.to_owned()));
    let code = code.filter(|code| !code.value.is_empty());
    match (url, file, code) {
        (Some(url), None, None) => read_url(reader, section, &url).map(FunctionTarget::Url),
        (None, Some(file), None) => Some(FunctionTarget::File(reader.config_text(file))),
        (None, None, Some(code)) => Some(FunctionTarget::Code(reader.config_text(code))),
        (url, file, code) => {
            let has_none = url.is_none() && file.is_none() && code.is_none();
            let many = if has_none { "none" } else { "more than one" };
            let message = format!(
                "a function needs one of `url`, `file` and `code`, and `{name}` has {many}"
            );
            let problem = reader.source.error(section.span(), message);
            let help = "`url`: a server of yours; `file`: a file of the project under \
                        `[functions]`; `code`: JavaScript right here";
            reader.report(problem.expected("one of the three").help(help));
            None
        }
    }
}

fn read_url(
    reader: &mut TomlReader<'_>,
    section: &TomlTable<'_, '_>,
    text: &Spanned<String>,
) -> Option<Uri> {
    let url = parse_function_url(&text.value);
    if url.is_none() {
        let problem = section.wrong(&reader.source, "url", text);
        let problem = problem.expected("a URL like `http://127.0.0.1:9000/lookup`");
        reader.report(problem.help("http or https, with a host"));
    }
    url
}

/// The maximum of `timeout_ms` without `hold`: the carrier gives up after 15 seconds.
const TIMEOUT_WITHOUT_HOLD_MS_MAX: i64 = 13_000;

fn read_hold(reader: &mut TomlReader<'_>, section: &TomlTable<'_, '_>) -> Option<HoldSettings> {
    let document = section.set_text(reader, "hold");
    let after = section.integer(reader, "hold_after_ms");
    Some(HoldSettings {
        document: reader.config_text(document?),
        after: milliseconds(after?.value),
    })
}

pub(super) fn parse_function_url(text: &str) -> Option<Uri> {
    let callable = http_url(text).is_some_and(|url| url.fragment().is_none());
    // The HTTP client needs a `Uri`, which is stricter than a `Url`: both must accept the text.
    callable.then(|| text.parse().ok()).flatten()
}
