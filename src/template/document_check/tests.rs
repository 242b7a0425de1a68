//! `tests/twiml/templates.txt`, and what cannot be said there: partials and sizes.

use std::path::Path;

use jiff::tz::TimeZone;

use super::*;
use crate::diagnostics::problem::Problems;

/// The problems of `main.xml`, each as `error 1:2: message; help`.
fn check_with(main: &str, partials: &[(&str, &str)]) -> Vec<String> {
    let files = [("main.xml", main)].into_iter().chain(partials.iter().copied());
    let sources = files.map(|(name, text)| (name.to_owned(), Source::new(name, text)));
    let mut problems = Problems::default();
    let (folder, zone) = (Path::new("templates"), TimeZone::UTC);
    let folder = TemplateFolder::compile(folder, sources.collect(), zone, &mut problems);
    assert_eq!(problems.counts(), (0, 0), "{problems}");
    let (_, template) = folder.documents().find(|(name, _)| name == "main.xml").unwrap();
    let problems = folder.check_documents(&template, None, &[Channel::Message]);
    let words = |problem: &Problem| {
        let level = if problem.level == Severity::Defect { "error" } else { "warning" };
        let place = problem.location().unwrap_or_default();
        let place = place.strip_prefix("main.xml:").unwrap_or(&place);
        format!("{level} {place}: {}; {}", problem.message, problem.help)
    };
    problems.iter().map(words).collect()
}

fn check(main: &str) -> Vec<String> {
    check_with(main, &[])
}

#[test]
fn says_of_each_template_what_it_should() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/twiml/templates.txt");
    let text = std::fs::read_to_string(&file).unwrap();
    let mut updated = String::new();
    for line in text.lines().filter(|line| !line.starts_with("    ")) {
        updated.push_str(line);
        updated.push('\n');
        if line.is_empty() || line.starts_with("# ") {
            continue;
        }
        let template = line.replace("\\n", "\n").replace("\\u{feff}", "\u{feff}");
        let template = if line == "(empty)" { "" } else { &template };
        for problem in check(template) {
            updated.push_str(&format!("    {problem}\n"));
        }
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, &updated).unwrap();
    }
    assert_eq!(updated, std::fs::read_to_string(&file).unwrap());
}

#[test]
fn errors_are_in_the_file_that_has_them() {
    let main = "<Response>{% render \"row.xml\" for rows %}{% include \"end.xml\" %}";
    let partials = [("row.xml", "<Message>a & b</Message>"), ("end.xml", "</Response>")];
    let problems = check_with(main, &partials);
    assert!(problems[0].starts_with("error row.xml:1:12: a branch"), "{problems:#?}");
    let partials = [("row.xml", "<Message>a</Message>"), ("end.xml", "\n</Respons>")];
    let problems = check_with(main, &partials);
    assert!(problems[0].starts_with("error end.xml:2:1: a template"), "{problems:#?}");
}

#[test]
fn a_partial_that_includes_itself_ends() {
    let itself = "<Message>{{ a }}</Message>{% if b %}{% include \"part.xml\" %}{% endif %}";
    let main = "<Response>{% include \"part.xml\" %}</Response>";
    let problems = check_with(main, &[("part.xml", itself)]);
    assert!(problems.iter().all(|line| !line.starts_with("error")), "{problems:#?}");
}

#[test]
fn ends_with_any_number_of_branches() {
    let many = "{% if a1 %}{{ a }}{% endif %}{% for a in b1 %}x{% endfor %}";
    let many: String = (0..100).map(|index| many.replace('1', &index.to_string())).collect();
    let problems = check(&format!("<Response><Message>{many}</Message></Response>"));
    assert!(problems.is_empty(), "{problems:#?}");
    let problems = check(&format!("<Response><Message>{many} a & b</Message></Response>"));
    assert!(problems[0].starts_with("error"), "{problems:#?}");
    let nested = "{% if a %}".repeat(60) + "&" + &"{% endif %}".repeat(60);
    assert!(check(&format!("<Response>{nested}</Response>"))[0].starts_with("error"));
}
