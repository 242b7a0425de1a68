//! What a step must ask, by the properties of its widget in the flow's file. Nothing here uses the
//! engine: the JSON of the file is read, and rendered with the variables of the moment.

mod carrier_api;
pub(crate) mod enqueue;
mod render;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::rewrites::Rewrites;
pub(crate) use render::Variables;

/// A request as the file describes it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ExpectedRequest {
    pub(crate) at_carrier: bool,
    pub(crate) method: &'static str,
    /// Path and query, without what the parameters of a GET and a signature add.
    pub(crate) target: String,
    pub(crate) content: ExpectedContent,
    /// The value of `Authorization`.
    pub(crate) authorization: Option<String>,
    /// Whether it has a signature.
    pub(crate) is_signed: bool,
}

/// The parameters or the body of a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ExpectedContent {
    /// Parameters in the query, and no body.
    Query(Vec<(String, String)>),
    /// Parameters in a form.
    Form(Vec<(String, String)>),
    /// A body with its content type.
    Body { content_type: String, text: String },
}

/// What must become of a step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expected {
    Request(Box<ExpectedRequest>),
    /// Nothing may be sent, for this reason.
    Nothing(String),
    /// The URL leads to a server that is not of the walk, so the step is not tried.
    Elsewhere(String),
}

/// The account of the configuration.
pub(crate) const ACCOUNT: &str = "AC00000000000000000000000000000000";
/// Its token.
pub(crate) const TOKEN: &str = "1";

/// What a widget with a URL must ask.
pub(crate) fn of_call(widget: &Value, variables: &Variables, rewrites: &Rewrites) -> Expected {
    let properties = &widget["properties"];
    let (url, of_carrier) = match find_url(widget, variables, rewrites) {
        Ok(found) => found,
        Err(url) if url.starts_with("http://") || url.starts_with("https://") => {
            return Expected::Elsewhere(url);
        }
        Err(url) => return Expected::Nothing(format!("its `url` is `{url}`")),
    };
    let parameters = variables.pairs(&properties["parameters"]);
    let is_request = widget["type"] == "make-http-request";
    let (method, content) = if is_request {
        content_of_request(properties, variables, parameters)
    } else {
        ("POST", ExpectedContent::Form(parameters))
    };
    let mut authorization = userinfo(&url).map(|userinfo| basic(&unescape(userinfo)));
    if is_request && variables.flag(&properties["add_twilio_auth"]) {
        if !of_carrier && !properties["url"].as_str().unwrap_or_default().trim().is_empty() {
            return Expected::Nothing("credentials are for the carrier's hosts".to_owned());
        }
        authorization = Some(basic(format!("{ACCOUNT}:{TOKEN}").as_bytes()));
    }
    Expected::Request(Box::new(ExpectedRequest {
        at_carrier: of_carrier,
        method,
        target: target_of(&url),
        content,
        authorization,
        is_signed: true,
    }))
}

/// What a widget that needs the carrier's API must ask there. `None` for a step that no widget of
/// this type asks for.
pub(crate) fn of_api(
    widget: &Value,
    variables: &Variables,
    rewrites: &Rewrites,
    callback: &str,
) -> Option<Expected> {
    let api = carrier_api::ApiRequest::of(widget, variables, rewrites, callback)?;
    Some(Expected::Request(Box::new(ExpectedRequest {
        at_carrier: true,
        method: "POST",
        target: escape(&api.path),
        content: ExpectedContent::Form(api.form),
        authorization: Some(basic(format!("{ACCOUNT}:{TOKEN}").as_bytes())),
        is_signed: false,
    })))
}

/// The URL of a widget after the rules, and whether it is the carrier's; an error for one without a
/// rule.
fn find_url(
    widget: &Value,
    variables: &Variables,
    rewrites: &Rewrites,
) -> Result<(String, bool), String> {
    let source = widget["properties"]["url"].as_str().unwrap_or_default().trim();
    let name = widget["name"].as_str().unwrap_or_default();
    if rewrites.without_url.iter().any(|known| known == name) {
        return Ok(("http://walk/function".to_owned(), false));
    }
    if let Some((rewritten, of_carrier)) = rewrites.apply_to_source(source) {
        return Ok((variables.text(&rewritten), of_carrier));
    }
    let url = variables.text(source).trim().to_owned();
    rewrites.apply(&url).ok_or(url)
}

/// Studio's documentation of Make HTTP Request: parameters are a form or, of a GET, the query; a
/// body is sent with its content type. Of a form the parameters come first.
fn content_of_request(
    properties: &Value,
    variables: &Variables,
    parameters: Vec<(String, String)>,
) -> (&'static str, ExpectedContent) {
    const FORM: &str = "application/x-www-form-urlencoded";
    let method = variables.property(&properties["method"]).unwrap_or_default();
    if !method.trim().eq_ignore_ascii_case("post") {
        return ("GET", ExpectedContent::Query(parameters));
    }
    let content_type = variables.property(&properties["content_type"]);
    let content_type = content_type.unwrap_or_else(|| FORM.to_owned());
    let text = variables.property(&properties["body"]);
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    let is_form = kind.eq_ignore_ascii_case(FORM);
    let content = match text {
        Some(text) if !is_form || parameters.is_empty() => {
            ExpectedContent::Body { content_type, text }
        }
        None if !is_form => ExpectedContent::Body { content_type, text: String::new() },
        _ => ExpectedContent::Form(parameters),
    };
    ("POST", content)
}

/// Path and query of a URL as they are sent.
fn target_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let target = &rest[rest.find(['/', '?', '#']).unwrap_or(rest.len())..];
    let escaped = escape(target);
    let sent = escaped.split('#').next().unwrap_or_default();
    if sent.starts_with('/') { sent.to_owned() } else { format!("/{sent}") }
}

/// RFC 3986: what may stand in a path or a query stays, escapes stay, all else is escaped.
fn escape(target: &str) -> String {
    let bytes = target.as_bytes();
    let is_hex = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
    let keeps = |(at, byte): (usize, &u8)| {
        byte.is_ascii_alphanumeric()
            || b"-._~:/?#[]@!$&'()*+,;=".contains(byte)
            || *byte == b'%' && is_hex(at + 1) && is_hex(at + 2)
    };
    let mut escaped = String::new();
    for (at, byte) in bytes.iter().enumerate() {
        if keeps((at, byte)) {
            escaped.push(char::from(*byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

fn userinfo(url: &str) -> Option<&str> {
    let rest = url.split_once("://")?.1;
    Some(rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())].rsplit_once('@')?.0)
}

fn unescape(text: &str) -> Vec<u8> {
    // A form without a name has the same escapes, but for the `+`.
    let text = text.replace('+', "%2B");
    let decoded = url::form_urlencoded::parse(text.as_bytes()).next();
    decoded.map_or_else(Vec::new, |(name, _)| name.into_owned().into_bytes())
}

fn basic(credentials: &[u8]) -> String {
    format!("Basic {}", STANDARD.encode(credentials))
}
