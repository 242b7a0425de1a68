//! What functions and the carrier's API answer in a flow test.

use std::ops::Range;
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::keys::GIVEN;
use crate::diagnostics::toml_reader::{TomlReader, TomlTable, in_file_order, to_json};
use crate::function::FunctionResponse;
use crate::tools::phone;

/// What the name begins with where it is the carrier's API that answers.
pub(super) const API: &str = "api:";

/// Whom an answer stands in for, and what is answered in turn; the last one stays.
#[derive(Clone, Debug)]
pub struct FunctionMock {
    /// The name of a function, of a widget, the beginning of a URL, or `api:WORD` for the
    /// carrier's API.
    pub name: String,
    /// Where the name stands.
    pub span: Range<usize>,
    /// At least one.
    pub answers: Vec<MockAnswer>,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MockAnswer {
    /// How long it takes.
    pub delay: Duration,
    /// What comes then.
    pub what: Result<FunctionResponse, MockFailure>,
}

/// Why no answer comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MockFailure {
    /// Nobody listens.
    Refused,
    /// It never answers.
    Timeout,
    /// The connection ends before an answer.
    Closed,
    /// The connection ends within the answer.
    Truncated,
    /// The name server knows no such host.
    Dns,
    /// The certificate is not trusted.
    Tls,
}

// === impl MockFailure ===

impl MockFailure {
    /// The word of a flow test for it.
    pub fn word(self) -> &'static str {
        MockFailure::ALL.iter().find(|(_, fail)| *fail == self).map_or("", |(word, _)| word)
    }

    /// All of them, with the words of a flow test.
    pub const ALL: [(&str, MockFailure); 6] = [
        ("refused", MockFailure::Refused),
        ("timeout", MockFailure::Timeout),
        ("closed", MockFailure::Closed),
        ("truncated", MockFailure::Truncated),
        ("dns", MockFailure::Dns),
        ("tls", MockFailure::Tls),
    ];
}

/// Reads the `given` of the file or of a case.
pub(super) fn given(reader: &mut TomlReader<'_>, table: &TomlTable<'_, '_>) -> Vec<FunctionMock> {
    let Some(value) = table.get("given") else { return Vec::new() };
    let Some(names) = value.get_ref().as_table() else {
        table.report_wrong_kind(reader, "given", value.span());
        return Vec::new();
    };
    let mut read = Vec::new();
    for (name, value) in in_file_order(names) {
        let answers = match value.get_ref() {
            DeValue::Table(answer) => vec![self::answer(reader, answer)],
            DeValue::Array(answers) => {
                let tables = answers.iter().map(|answer| answer.get_ref().as_table());
                let tables: Option<Vec<&DeTable<'_>>> = tables.collect();
                tables.iter().flatten().map(|table| self::answer(reader, table)).collect()
            }
            _ => Vec::new(),
        };
        if answers.is_empty() {
            table.report_wrong_kind(reader, "given", value.span());
        } else {
            read.push(FunctionMock {
                name: name.get_ref().to_string(),
                span: name.span(),
                answers,
            });
        }
    }
    read
}

fn answer(reader: &mut TomlReader<'_>, table: &DeTable<'_>) -> MockAnswer {
    let table = reader.table(&GIVEN, table);
    let json = table.value(reader, "json", |value| to_json(value).map(|json| json.to_string()));
    let twiml = table.text(reader, "twiml");
    let body = table.text(reader, "body");
    let content_type = table.text(reader, "type");
    let fail = table.value(reader, "fail", |value| {
        let word = value.as_str()?;
        MockFailure::ALL.iter().find(|(known, _)| *known == word).map(|(_, fail)| *fail)
    });
    let status = table.value(reader, "status", |value| {
        let status: u16 = value.as_integer()?.as_str().parse().ok()?;
        (100..600).contains(&status).then_some(status)
    });
    let delay = table.value(reader, "delay", |value| delay(value.as_str()?));
    let spans = [&json, &twiml, &body].map(|text| text.as_ref().map(|text| text.span.clone()));
    let mut spans: Vec<Range<usize>> = spans.into_iter().flatten().collect();
    spans.extend(fail.as_ref().map(|fail| fail.span.clone()));
    if let [_, second, ..] = spans.as_slice() {
        let message = "an answer has one body, and a failure has none";
        let problem = reader.source.error(second.clone(), message);
        let help = "one of `json`, `twiml`, `body`, `fail`";
        reader.report(problem.expected("one too many").help(help));
    }
    if let (Some(content_type), None) = (&content_type, &body) {
        let problem = reader.source.error(content_type.span.clone(), "`type` stands beside `body`");
        let help = "`json` and `twiml` have theirs; with another one, write the text as `body`";
        reader.report(problem.expected("of what?").help(help));
    }
    let (default, text) = match (json, twiml, body) {
        (Some(json), ..) => (Some("application/json"), json.value),
        (_, Some(twiml), _) => (Some("text/xml"), twiml.value),
        (.., Some(body)) => (Some("text/plain"), body.value),
        _ => (None, String::new()),
    };
    let content_type = content_type.map(|it| it.value).or(default.map(str::to_owned));
    let status = status.map_or(200, |status| status.value);
    let what = match fail {
        Some(fail) => Err(fail.value),
        None => Ok(FunctionResponse { status_code: status, content_type, body: text.into() }),
    };
    MockAnswer { delay: delay.map(|delay| delay.value).unwrap_or_default(), what }
}

/// `250ms`, or a time as scripts have it.
fn delay(text: &str) -> Option<Duration> {
    match text.strip_suffix("ms") {
        Some(number) => number.trim().parse().ok().map(Duration::from_millis),
        None => phone::time(text, 0..text.len()).ok(),
    }
}

/// The answers of a case: its own, and those of the file that it has none for.
pub(super) fn merged(file: &[FunctionMock], case: Vec<FunctionMock>) -> Vec<FunctionMock> {
    let others = file.iter().filter(|given| case.iter().all(|own| own.name != given.name));
    let others: Vec<FunctionMock> = others.cloned().collect();
    case.into_iter().chain(others).collect()
}

/// The name by which a test knows whoever was asked: a URL by the widget that asks it.
pub(super) fn named<'a>(name: &'a str, widget: &'a str) -> &'a str {
    if name.contains("://") { widget } else { name }
}

/// What to write for a function that nobody gave an answer for.
pub(super) fn advice(name: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    let name = match name.chars().all(plain) {
        true => name.to_owned(),
        false => format!("{name:?}"),
    };
    format!("`given.{name} = {{ json = {{ … }} }}`")
}
