//! The mocks of a flow test: the answers of functions and of the carrier's API.

use std::ops::Range;
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::keys::GIVEN;
use crate::diagnostics::toml_reader::{TomlReader, TomlTable, in_file_order, to_json};
use crate::function::FunctionResponse;
use crate::tools::phone;

/// The prefix of a mock for the carrier's API.
pub(super) const API: &str = "api:";

/// A mock of a function. Its answers are used in turn; the last one is repeated.
#[derive(Clone, Debug)]
pub(crate) struct FunctionMock {
    /// The name of a function, of a widget, the beginning of a URL, or `api:WORD` for the
    /// carrier's API.
    pub(super) name: String,
    /// The bytes with the name.
    pub(super) span: Range<usize>,
    /// At least one.
    pub(super) answers: Vec<MockAnswer>,
}

/// One answer of a mock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MockAnswer {
    /// The time until the answer.
    pub(super) delay: Duration,
    /// The response, or the reason why there is none.
    pub(super) result: Result<FunctionResponse, MockFailure>,
}

/// The reason for a missing answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MockFailure {
    /// The connection is refused.
    Refused,
    /// The function never answers.
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
    /// The word in a flow test.
    pub(super) fn word(self) -> &'static str {
        MockFailure::ALL.iter().find(|(_, fail)| *fail == self).map_or("", |(word, _)| word)
    }

    /// All reasons, with their words in a flow test.
    pub(super) const ALL: [(&str, MockFailure); 6] = [
        ("refused", MockFailure::Refused),
        ("timeout", MockFailure::Timeout),
        ("closed", MockFailure::Closed),
        ("truncated", MockFailure::Truncated),
        ("dns", MockFailure::Dns),
        ("tls", MockFailure::Tls),
    ];
}

/// Reads the key `given` of the file or of a case.
pub(super) fn read_mocks(
    reader: &mut TomlReader<'_>,
    table: &TomlTable<'_, '_>,
) -> Vec<FunctionMock> {
    let Some(value) = table.get("given") else { return Vec::new() };
    let Some(names) = value.get_ref().as_table() else {
        table.report_wrong_kind(reader, "given", value.span());
        return Vec::new();
    };
    let mut read = Vec::new();
    for (name, value) in in_file_order(names) {
        let answers = match value.get_ref() {
            DeValue::Table(answer) => vec![read_answer(reader, answer)],
            DeValue::Array(answers) => {
                let tables = answers.iter().map(|answer| answer.get_ref().as_table());
                let tables: Option<Vec<&DeTable<'_>>> = tables.collect();
                tables.iter().flatten().map(|table| read_answer(reader, table)).collect()
            }
            _ => Vec::new(),
        };
        // An empty list would leave the function without an answer.
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

fn read_answer(reader: &mut TomlReader<'_>, table: &DeTable<'_>) -> MockAnswer {
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
    let delay = table.value(reader, "delay", |value| parse_delay(value.as_str()?));
    // The second of two bodies is reported: the first may be the intended one.
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
        let problem = reader.source.error(content_type.span.clone(), "`type` needs `body`");
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
    // A mock without a status is a success, like a function.
    let status = status.map_or(200, |status| status.value);
    let result = match fail {
        Some(fail) => Err(fail.value),
        None => Ok(FunctionResponse { status_code: status, content_type, body: text.into() }),
    };
    MockAnswer { delay: delay.map(|delay| delay.value).unwrap_or_default(), result }
}

/// Reads `250ms`, or a duration in the notation of scripts.
fn parse_delay(text: &str) -> Option<Duration> {
    match text.strip_suffix("ms") {
        Some(number) => number.trim().parse().ok().map(Duration::from_millis),
        None => phone::parse_duration(text, 0..text.len()).ok(),
    }
}

/// The mocks of a case: its own, and those of the file with other names.
pub(super) fn merge_mocks(file: &[FunctionMock], case: Vec<FunctionMock>) -> Vec<FunctionMock> {
    let others = file.iter().filter(|given| case.iter().all(|own| own.name != given.name));
    let others: Vec<FunctionMock> = others.cloned().collect();
    case.into_iter().chain(others).collect()
}

/// The name of a mock for a function; a URL has the name of the widget that calls it.
pub(super) fn mock_name<'a>(name: &'a str, widget: &'a str) -> &'a str {
    if name.contains("://") { widget } else { name }
}

/// The line to add for a function without a mock.
pub(super) fn mock_advice(name: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    let name = if name.chars().all(plain) { name.to_owned() } else { format!("{name:?}") };
    format!("`given.{name} = {{ json = {{ … }} }}`")
}
