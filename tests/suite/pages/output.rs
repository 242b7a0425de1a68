//! The comparison of printed text with a page: equal, but for what differs from run to run.

use regex::Regex;

/// What differs from run to run, and what it is replaced by.
const VARIABLE: [(&str, &str); 8] = [
    (r"\?step=\S+", "?step=…"),
    (r"\b\d+(\.\d+)? (µs|ms|s)\b", "TIME"),
    (r"\b(127\.0\.0\.1|localhost):\d+", "$1:PORT"),
    (r"X-Twilio-Signature: \S+ *", "X-Twilio-Signature: …"),
    (r"\b(AC|CA|SM)[0-9a-f]{6,}\S* *", "$1…"),
    (r"[ \t]+\n", "\n"),
    // A box is as wide as its longest line.
    (r"[ \t]+│\n", " │\n"),
    (r"──+", "──"),
];

/// What a caller hears once or several times while a function works.
const HELD: &str = r"(?s)(      function \w+: still at work\n  One moment, .*?  200  TIME\n)+";

/// Text without what differs from run to run.
pub(crate) fn steady(text: &str) -> String {
    let mut text = format!("{}\n", text.trim_end());
    for (pattern, replacement) in VARIABLE {
        text = Regex::new(pattern).unwrap().replace_all(&text, replacement).into_owned();
    }
    Regex::new(HELD).unwrap().replace_all(&text, "$1").into_owned()
}

/// The same for a report of figures: every number is equal to every other.
pub(crate) fn steady_report(text: &str) -> String {
    let figures = Regex::new(r" *\b[\d,]+(\.\d+)?\b").unwrap();
    figures.replace_all(&steady(text), " N").into_owned()
}

/// Compares a printed text with the expected one, in which a line `…` is any number of lines.
pub(crate) fn compare(expected: &str, printed: &str) -> Result<(), String> {
    let mut parts = vec![String::new()];
    for line in expected.lines() {
        if line.trim() == "…" {
            parts.push(String::new());
        } else {
            let part = parts.last_mut().unwrap();
            *part += line;
            part.push('\n');
        }
    }
    let last = parts.len() - 1;
    let mut rest = printed;
    for (number, part) in parts.iter().enumerate() {
        let mut starts = std::iter::once(0).chain(rest.match_indices('\n').map(|(at, _)| at + 1));
        let is_here = |at: &usize| {
            let ends = number < last || rest.len() == at + part.len();
            rest[*at..].starts_with(part.as_str()) && ends
        };
        let at = if number == 0 { Some(0).filter(is_here) } else { starts.find(is_here) };
        let Some(at) = at else {
            return Err(format!(
                "this is not printed:\n{part}\n\
                 === all that is printed, times and ports apart:\n{printed}"
            ));
        };
        rest = &rest[at + part.len()..];
    }
    Ok(())
}

#[test]
fn only_what_differs_from_run_to_run_may_differ() {
    let told = "      call: POST /a?step=1f…2  200  0.4 ms\n  Hi.\n";
    assert_eq!(steady(told), "      call: POST /a?step=…  200  TIME\n  Hi.\n");
    assert_eq!(steady_report("calls   20 in 1.0 s, 19.9/s"), "calls N in TIME, N/s\n");
    assert!(compare("a\nb\n", "a\nb\n").is_ok());
    assert!(compare("a\nb\n", "a\nb\nc\n").is_err());
    assert!(compare("a\n…\n", "a\nb\nc\n").is_ok());
    assert!(compare("…\nb\n…\nd\n", "a\nb\nc\nd\n").is_ok());
    assert!(compare("b\n…\n", "a\nb\n").is_err());
    assert!(compare("a\n…\nc\n", "a\nc\nb\n").is_err());
    let held =
        "      function f: still at work\n  One moment, please.\n      Redirect  200  TIME\n";
    assert_eq!(steady(&held.repeat(3)), held);
}
