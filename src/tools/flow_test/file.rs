//! The file of a flow test: its target, its mocks and its cases.

use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use toml::de::{DeTable, DeValue};

use super::keys::CASE;
use super::mocks::{FunctionMock, merge_mocks, read_mocks};
use super::step::{ScriptStep, parse_steps};
use crate::channel::Channel;
use crate::diagnostics::problem::{Problem, Problems, Severity, Source};
use crate::diagnostics::toml_reader::{TomlReader, TomlTable, TomlValue, parse_toml};
use crate::limits::SCRIPT_BYTES_MAX;
use crate::read_limited::read_text_limited;

/// The default time of a case: Monday, 5 January 2026, 09:00 UTC.
const AT: Duration = Duration::from_secs(1_767_603_600);

/// The default caller, and the default number.
const FROM: &str = "+15550100";
const TO: &str = "+15550111";

/// A flow test.
#[derive(Clone, Debug)]
pub struct FlowTestFile {
    /// The text of the file, with its name.
    pub source: Source,
    /// The flow or the route that is tested.
    pub(super) target: TestTarget,
    /// The cases, in the order of the file.
    pub cases: Vec<TestCase>,
}

/// The target of a flow test. Paths are relative to the current folder, as one would type them.
#[derive(Clone, Debug)]
pub(super) enum TestTarget {
    /// A flow without a configuration.
    Standalone(StandaloneFlow),
    /// A route of a configuration.
    Route {
        /// The configuration file.
        path: String,
        /// The bytes with its path.
        span: Range<usize>,
        /// The path of the route.
        route: String,
        /// The bytes with that path.
        route_span: Range<usize>,
        /// Values for `${NAME}`, before those of the environment.
        env: Vec<(String, String)>,
    },
}

/// A flow without a configuration.
#[derive(Clone, Debug)]
pub(super) struct StandaloneFlow {
    /// The file.
    pub(super) path: String,
    /// The bytes with its path.
    pub(super) span: Range<usize>,
    /// The channel; `None`: the one that the trigger is wired for.
    pub(super) channel: Option<Channel>,
    /// The time zone of its dates.
    pub(super) time_zone: TimeZone,
    /// The folder of its templates.
    pub(super) templates: String,
    /// The sids and the files of its subflows.
    pub(super) subflows: Vec<(String, String)>,
}

/// One case: a conversation with its expectations.
#[derive(Clone, Debug)]
pub struct TestCase {
    /// The name, for people.
    pub(crate) name: String,
    /// The bytes with the name.
    pub(crate) span: Range<usize>,
    /// The caller or sender.
    pub(crate) from: String,
    /// The number that is called or written to.
    pub(crate) to: String,
    /// Additional parameters of the webhooks.
    pub(crate) params: Vec<(String, String)>,
    /// The time at the beginning, since 1970.
    pub(crate) at: Duration,
    /// The mocked functions.
    pub(crate) mocks: Vec<FunctionMock>,
    /// The script.
    pub(crate) steps: Vec<ScriptStep>,
}

/// The keys that the file has as well as a case.
#[derive(Clone, Debug)]
struct TestDefaults {
    from: Option<String>,
    to: Option<String>,
    params: Vec<(String, String)>,
    at: Option<Duration>,
    mocks: Vec<FunctionMock>,
}

impl FlowTestFile {
    /// Reads a flow test.
    ///
    /// # Errors
    /// All problems of the file.
    pub fn read(path: &Path) -> Result<FlowTestFile, Problems> {
        let name = path.display().to_string();
        let text = read_text_limited(path, SCRIPT_BYTES_MAX).map_err(|error| {
            let message = format!("cannot read `{name}`: {error}");
            Problems::from(Problem::new(Severity::Error, message))
        })?;
        FlowTestFile::parse(&Source::new(&name, &text))
    }

    /// Reads a flow test from a text.
    ///
    /// # Errors
    /// All problems of the text.
    pub fn parse(source: &Source) -> Result<FlowTestFile, Problems> {
        let mut problems = Problems::default();
        let Some(file) = parse_toml(&source.text, source, &mut problems) else {
            return Err(problems);
        };
        let folder = Path::new(&*source.name).parent().unwrap_or(Path::new(""));
        // A test has no variables: what looks like one may be part of a text.
        let expand = |text: &str| Ok(text.to_owned());
        let mut reader = TomlReader { source: source.clone(), folder, problems, expand: &expand };
        let table = reader.file(&file);
        let target = read_target(&mut reader, &table);
        let common = read_defaults(&mut reader, &table);
        let cases = read_cases(&mut reader, &table, &common);
        // The readers above do not follow the order of the file.
        reader.problems.sort();
        match target {
            Some(target) if !reader.problems.any_error() => {
                Ok(FlowTestFile { source: source.clone(), target, cases })
            }
            _ => Err(reader.problems),
        }
    }
}

fn read_target(reader: &mut TomlReader<'_>, table: &TomlTable<'_, '_>) -> Option<TestTarget> {
    let flow = table.text(reader, "flow");
    let config = table.text(reader, "config");
    let route = table.text(reader, "route");
    let channel = table.value(reader, "channel", |value| Channel::from_name(value.as_str()?));
    let templates = table.text(reader, "templates");
    let subflows = table.texts(reader, "subflows");
    let zone = table.value(reader, "time_zone", |value| TimeZone::get(value.as_str()?).ok());
    let env = table.texts(reader, "env");
    let mut require_beside = |key: &str, there: bool, beside: &str| {
        if let Some(value) = table.get(key).filter(|_| !there) {
            let message = format!("`{key}` needs `{beside}`, which is missing");
            let problem = reader.source.error(value.span(), message);
            reader.report(problem.expected("not used"));
        }
    };
    // With a configuration these come from there; two sources would contradict each other.
    for key in ["channel", "time_zone", "templates", "subflows"] {
        require_beside(key, flow.is_some(), "flow");
    }
    for key in ["route", "env"] {
        require_beside(key, config.is_some(), "config");
    }
    let beside = |file: &str| normalize_path(&reader.folder.join(file)).display().to_string();
    let help = "`flow = \"FILE\"`, or `config = \"FILE\"` and `route = \"/PATH\"`";
    match (flow, config, route) {
        (Some(flow), None, _) => Some(TestTarget::Standalone(StandaloneFlow {
            path: beside(&flow.value),
            span: flow.span,
            channel: channel.map(|channel| channel.value),
            time_zone: zone.map_or(TimeZone::UTC, |zone| zone.value),
            templates: beside(templates.as_ref().map_or("templates", |it| it.value.as_str())),
            subflows: subflows.iter().map(|(sid, file)| (sid.clone(), beside(file))).collect(),
        })),
        (None, Some(config), Some(route)) => Some(TestTarget::Route {
            path: beside(&config.value),
            span: config.span,
            route: route.value,
            route_span: route.span,
            env,
        }),
        (flow, config, _) => {
            let (span, message) = match (flow, config) {
                (Some(_), Some(config)) => (config.span, "a test is of a flow or of a route"),
                (None, Some(config)) => (config.span, "the `route` that is tested is missing"),
                _ => (table.span(), "the test has no target"),
            };
            let problem = reader.source.error(span, message);
            reader.report(problem.help(help));
            None
        }
    }
}

/// Removes `FOLDER/..` from a path.
fn normalize_path(path: &Path) -> PathBuf {
    let mut short = PathBuf::new();
    for part in path.components() {
        let leaves = matches!(short.components().next_back(), Some(Component::Normal(_)));
        match part {
            Component::ParentDir if leaves => drop(short.pop()),
            part => short.push(part),
        }
    }
    short
}

fn read_defaults(reader: &mut TomlReader<'_>, table: &TomlTable<'_, '_>) -> TestDefaults {
    let at = table.value(reader, "at", |value| {
        let text = match value {
            DeValue::Datetime(moment) => moment.to_string(),
            value => value.as_str()?.to_owned(),
        };
        let moment: Timestamp = text.parse().ok()?;
        // Times before 1970 have no meaning for a call.
        u64::try_from(moment.as_second()).ok().map(Duration::from_secs)
    });
    let mut number = |name| {
        let number = table.value(reader, name, |value| {
            value.as_str().filter(|number| !number.is_empty()).map(str::to_owned)
        });
        number.map(|number| number.value)
    };
    let (from, to) = (number("from"), number("to"));
    let params = table.texts(reader, "params");
    TestDefaults { from, to, params, at: at.map(|at| at.value), mocks: read_mocks(reader, table) }
}

fn read_cases(
    reader: &mut TomlReader<'_>,
    table: &TomlTable<'_, '_>,
    common: &TestDefaults,
) -> Vec<TestCase> {
    let Some(value) = table.get("case") else {
        let problem = reader.source.error(table.span(), "there is no case in it");
        reader
            .report(problem.help("a case begins with `[[case]]` and has a `name` and a `script`"));
        return Vec::new();
    };
    let tables = value.get_ref().as_array().map(|tables| tables.iter());
    let tables = tables.map(|tables| tables.map(|it| it.get_ref().as_table().map(|t| (t, it))));
    let Some(tables) = tables.and_then(Iterator::collect::<Option<Vec<_>>>) else {
        table.report_wrong_kind(reader, "case", value.span());
        return Vec::new();
    };
    let mut cases: Vec<TestCase> = Vec::new();
    for (table, value) in tables {
        let Some(case) = read_case(reader, table, value, common) else { continue };
        // A name selects a case with `--filter`, and finds it in a report.
        if cases.iter().any(|other| other.name == case.name) {
            let message = format!("there is a case `{}` already", case.name);
            let problem = reader.source.error(case.span.clone(), message);
            reader.report(problem.expected("said twice"));
        }
        cases.push(case);
    }
    cases
}

fn read_case(
    reader: &mut TomlReader<'_>,
    table: &DeTable<'_>,
    value: &TomlValue<'_>,
    file: &TestDefaults,
) -> Option<TestCase> {
    let table = reader.table(&CASE, table);
    let name = table.text(reader, "name");
    let own = read_defaults(reader, &table);
    let steps = read_script(reader, &table);
    for (key, there) in [("name", name.is_some()), ("script", steps.is_some())] {
        // A key that is there but wrong has its own problem already.
        if !there && table.get(key).is_none() {
            let problem = reader.source.error(value.span(), format!("a case has no `{key}`"));
            let key = table.key(key);
            reader.report(problem.help(format!("{}: {}", key.kind.expected(), key.doc)));
        }
    }
    let (name, steps) = (name?, steps?);
    let or = |own: Option<String>, file: &Option<String>, default: &str| {
        own.or_else(|| file.clone()).unwrap_or_else(|| default.to_owned())
    };
    let mut params = file.params.clone();
    // Parameters merge by name; everything else of a case replaces that of the file.
    params.retain(|(name, _)| own.params.iter().all(|(over, _)| over != name));
    params.extend(own.params);
    Some(TestCase {
        name: name.value,
        span: name.span,
        from: or(own.from, &file.from, FROM),
        to: or(own.to, &file.to, TO),
        params,
        at: own.at.or(file.at).unwrap_or(AT),
        mocks: merge_mocks(&file.mocks, own.mocks),
        steps,
    })
}

/// Reads a script. It must be in `'''`, where TOML has no escapes: only then the positions in the
/// script are positions in the file.
fn read_script(reader: &mut TomlReader<'_>, table: &TomlTable<'_, '_>) -> Option<Vec<ScriptStep>> {
    let quotes = "'''";
    let script = table.text(reader, "script")?;
    let text = &reader.source.text[script.span.clone()];
    let inner = text.strip_prefix(quotes).and_then(|text| text.strip_suffix(quotes));
    let Some(inner) = inner else {
        table.report_wrong_kind(reader, "script", script.span);
        return None;
    };
    let start = script.span.start + quotes.len();
    let (steps, problems) = parse_steps(&reader.source, start..start + inner.len());
    reader.problems.extend(problems);
    Some(steps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::FunctionResponse;
    use crate::tools::flow_test::mocks::{MockAnswer, MockFailure};

    fn parse(text: &str) -> Result<FlowTestFile, String> {
        FlowTestFile::parse(&Source::new("a/t.test.toml", text))
            .map_err(|problems| problems.to_string())
    }

    #[test]
    fn a_case_has_what_the_file_has_and_its_own() {
        let file = parse(
            "flow = \"f.json\"\nfrom = \"+1\"\nparams = { a = \"1\", b = \"2\" }\n\
             at = 2026-01-05T10:00:00+01:00\n\
             [given]\nx = { status = 503 }\ny = { fail = \"closed\", delay = \"250ms\" }\n\
             [[case]]\nname = \"n\"\nparams = { a = \"3\" }\n\
             given.x = [{ json = [1, { c = \"d\" }] }, { twiml = \"<a/>\" }]\n\
             script = '''press 1'''\n",
        );
        let file = file.unwrap();
        assert!(matches!(&file.target, TestTarget::Standalone(alone) if alone.path == "a/f.json"));
        let case = &file.cases[0];
        assert_eq!((case.from.as_str(), case.to.as_str(), case.at), ("+1", TO, AT));
        let params = [("b", "2"), ("a", "3")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        assert_eq!(case.params, params);
        let body = |content_type: &str, body: &str| MockAnswer {
            delay: Duration::ZERO,
            result: Ok(FunctionResponse {
                status_code: 200,
                content_type: Some(content_type.to_owned()),
                body: body.to_owned().into(),
            }),
        };
        let json = body("application/json", r#"[1,{"c":"d"}]"#);
        assert_eq!(case.mocks[0].answers, [json, body("text/xml", "<a/>")]);
        let closed =
            MockAnswer { delay: Duration::from_millis(250), result: Err(MockFailure::Closed) };
        assert_eq!((case.mocks[1].name.as_str(), &case.mocks[1].answers[..]), ("y", &[closed][..]));
        assert_eq!(case.steps.len(), 1);
    }
}
