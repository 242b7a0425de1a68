//! The cases in `tests/liquid/*.txt`: a template, its data, and what it comes to.
//!
//! A case begins with `=== name`. Its template follows, then sections that begin with `--- `:
//! `partial NAME`, `data` (JSON), `limits` (`name = number` lines), and at the end what came of
//! it: `plain`, `xml`, `evaluate` (the value as JSON) or `error`, which is every error of the
//! template. What follows the `plain`, `xml` or `evaluate` of an error is its mode. A loop that was
//! cut adds a line `cut: ` with the finding.
//!
//! `UPDATE=1 cargo test` writes the ends anew; read the difference like code.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use twimlgate::liquid::{LiquidEngine, LiquidError, OutputFormat, RenderLimits};

/// 2023-11-14 22:13:20 UTC.
const NOW: i64 = 1_700_000_000;

#[derive(Default)]
struct Case {
    name: String,
    template: String,
    sections: Vec<(String, String)>,
}

// === impl Case ===

impl Case {
    /// The sections before the last, which is what is expected.
    fn given(&self) -> &[(String, String)] {
        &self.sections[..self.sections.len() - 1]
    }

    fn mode(&self) -> &str {
        let last = &self.sections[self.sections.len() - 1].0;
        last.split(' ').next_back().unwrap()
    }

    fn run(&self) -> Result<String, String> {
        let mut limits = RenderLimits::default();
        let mut data = json!({});
        let mut partials = Vec::new();
        for (title, text) in self.given() {
            match title.split_once(' ') {
                Some(("partial", name)) => partials.push((name, text)),
                _ if title == "data" => data = serde_json::from_str(text).unwrap(),
                _ if title == "limits" => set_limits(&mut limits, text),
                _ => panic!("{}: no section is called `{title}`", self.name),
            }
        }
        let mut engine = LiquidEngine::new(limits);
        for (name, text) in partials {
            engine.add_partial(name, text).map_err(|errors| shown(&errors))?;
        }
        self.render(&engine, &data)
    }

    fn render(&self, engine: &LiquidEngine, data: &Value) -> Result<String, String> {
        let output = if self.mode() == "xml" { OutputFormat::Xml } else { OutputFormat::Plain };
        let template = engine.compile("case", &self.template, output);
        let template = template.map_err(|errors| shown(&errors))?;
        let mut finding = None;
        let rendered = match self.mode() {
            "evaluate" => template.evaluate(data, NOW, &mut finding).map(|value| value.to_string()),
            _ => template.render_reporting(data, NOW, &mut finding),
        };
        let rendered = rendered.map_err(|error| shown(&[error]))?;
        Ok(finding.map_or(rendered.clone(), |finding| format!("{rendered}\ncut: {finding}")))
    }

    fn write(&self, out: &mut String) {
        out.push_str(&format!("=== {}\n{}\n", self.name, self.template));
        for (title, text) in &self.sections {
            out.push_str(&format!("--- {title}\n{text}\n"));
        }
        out.push('\n');
    }
}

fn shown(errors: &[LiquidError]) -> String {
    let shown: Vec<String> = errors.iter().map(|error| format!("{error:#}")).collect();
    shown.join("\n")
}

fn set_limits(limits: &mut RenderLimits, text: &str) {
    for line in text.lines() {
        let (name, number) = line.split_once(" = ").unwrap();
        match name {
            "loop_rounds" => limits.loop_rounds = Some(number.parse().unwrap()),
            "output_bytes" => limits.output_bytes = number.parse().unwrap(),
            "value_bytes" => limits.value_bytes = number.parse().unwrap(),
            "source_bytes" => limits.source_bytes = number.parse().unwrap(),
            "steps" => limits.steps = number.parse().unwrap(),
            "nesting" => limits.nesting = number.parse().unwrap(),
            _ => panic!("no limit is called `{name}`"),
        }
    }
}

fn read(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines().chain(["=== "]) {
        let title = line.strip_prefix("--- ");
        let name = line.strip_prefix("=== ");
        if title.is_none() && name.is_none() {
            lines.push(line);
            continue;
        }
        if name.is_some() && lines.last() == Some(&"") {
            lines.pop();
        }
        let body = lines.join("\n");
        lines.clear();
        if let Some(case) = cases.last_mut() {
            match case.sections.last_mut() {
                Some(section) => section.1 = body,
                None => case.template = body,
            }
        }
        match (title, name) {
            (Some(title), _) => {
                cases.last_mut().unwrap().sections.push((title.to_owned(), String::new()));
            }
            (_, Some(name)) => cases.push(Case { name: name.to_owned(), ..Case::default() }),
            _ => {}
        }
    }
    cases.pop();
    cases
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/liquid");
    let entries = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "txt")).collect();
    files.sort();
    files
}

#[test]
fn cases_hold() {
    let mut failures = Vec::new();
    let mut count = 0;
    for file in files() {
        let text = std::fs::read_to_string(&file).unwrap();
        let mut cases = read(&text);
        count += cases.len();
        for case in &mut cases {
            let mode = case.mode().to_owned();
            let (title, came) = match case.run() {
                Ok(text) => (mode, text),
                Err(errors) if mode == "plain" || mode == "error" => ("error".to_owned(), errors),
                Err(errors) => (format!("error {mode}"), errors),
            };
            let last = case.sections.last_mut().unwrap();
            if *last != (title.clone(), came.clone()) {
                let place = format!("{}: {}", file.display(), case.name);
                failures.push(format!("{place}\n--- {title}\n{came}\n"));
                *last = (title, came);
            }
        }
        if std::env::var_os("UPDATE").is_some() {
            let mut text = String::new();
            cases.iter().for_each(|case| case.write(&mut text));
            std::fs::write(&file, text).unwrap();
        }
    }
    println!("{count} cases");
    assert!(failures.is_empty(), "{} differ:\n{}", failures.len(), failures.join("\n"));
}
