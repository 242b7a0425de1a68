//! Templates: compiled and rendered as text and as XML, within bounds of time, memory and size.
//!
//! A finding is (besides a panic, and too much time or memory, which the runner sees) an output
//! over the limit, an error without a place or with data in it, or a character that XML forbids in
//! an XML document whose template does not ask for it.

mod words;

use serde_json::{Value, json};
use twimlgate::liquid::{LiquidEngine, LiquidError, OutputFormat, RenderLimits};

use super::random::Random;
use super::{Judged, Seen, Target, ensure, size, text, texts};
use words::FILTERS;

pub(crate) static TARGET: Target =
    Target { name: "template", tokens: words::TOKENS, seeds, grow, judge };

/// The cases of the language's own tests.
fn seeds() -> Vec<Vec<u8>> {
    let golden = texts("tests/liquid", ".json").into_iter().flat_map(|text| {
        let cases: Value = serde_json::from_slice(&text).unwrap_or_default();
        let cases = cases["tests"].as_array().cloned().unwrap_or_default();
        cases.into_iter().filter_map(|case| Some(case["template"].as_str()?.as_bytes().to_vec()))
    });
    let tags = words::TOKENS.iter().map(|tag| tag.as_bytes().to_vec());
    golden.chain(tags).collect()
}

fn judge(input: &[u8]) -> Judged {
    let (source, data) = (text(input), data(&mut Random::of(input)));
    let mut seen = Seen::default();
    let limits = RenderLimits::default();
    let output_max = limits.output_bytes;
    let mut engine = LiquidEngine::new(limits);
    let partial = "[{{ part }}{{ v | upcase }}{% assign p = v %}{{ forloop.index }}]";
    engine.add_partial("part", partial).map_err(|errors| format!("part: {:?}", errors[0]))?;
    if let Err(errors) = engine.add_partial("self", &source) {
        errors.iter().try_for_each(check_error)?;
    }
    for output in [OutputFormat::Plain, OutputFormat::Xml] {
        let template = match engine.compile("fuzz", &source, output) {
            Ok(template) => template,
            Err(errors) => {
                errors.iter().try_for_each(check_error)?;
                errors.iter().for_each(|error| seen.note(words_of(error)));
                return Ok(seen);
            }
        };
        seen.note((size(template.variables().len()), template.constant_text().is_some()));
        match template.render(&data, 1_700_000_000) {
            Ok(text) => {
                ensure!(text.len() <= output_max, "size: {} bytes", text.len());
                if output == OutputFormat::Xml {
                    check_xml(&source, &text)?;
                }
                seen.note(size(text.len()));
            }
            Err(error) => {
                check_error(&error)?;
                seen.note(words_of(&error));
            }
        }
        if let Err(error) = template.evaluate(&data, 1_700_000_000, &mut None) {
            check_error(&error)?;
        }
    }
    FILTERS.iter().filter(|name| source.contains(**name)).for_each(|name| seen.note(name));
    Ok(seen)
}

/// What an error is about, without what it is about in this template.
fn words_of(error: &LiquidError) -> String {
    let said = error.to_string();
    said.split('`').step_by(2).collect::<String>().chars().filter(|c| c.is_alphabetic()).collect()
}

fn check_error(error: &LiquidError) -> Result<(), String> {
    let (line, excerpt, span) = (error.to_string(), format!("{error:#}"), error.span());
    let shows = line.contains(['\n', '\u{1}']) || excerpt.contains('\u{1}');
    ensure!(!shows, "an error shows data: {line:?}");
    let place = error.source_text().get(span.clone()).is_some();
    let place = place && error.line() > 0 && error.column() > 0;
    ensure!(place, "an error has no place: {line} {span:?}");
    Ok(())
}

/// What the source itself does not hold must not be in the document.
fn check_xml(source: &str, text: &str) -> Result<(), String> {
    let forbidden = ['\u{1}', '\u{FFFE}'];
    let asked = source.contains("raw") || source.contains(forbidden);
    ensure!(asked || !text.contains(forbidden), "a character that XML forbids: in {text:?}");
    Ok(())
}

/// Puts the template into a block, or a filter behind an output.
fn grow(random: &mut Random, input: &mut Vec<u8>) {
    let source = text(input).into_owned();
    *input = if random.one_in(3) { wrap(random, &source) } else { filter(random, source) }.into();
}

fn wrap(random: &mut Random, source: &str) -> String {
    let (open, close) = *random.pick(&[
        ("{% for i in (1..4) %}", "{% endfor %}"),
        ("{% if s %}", "{% endif %}"),
        ("{% capture c %}", "{% endcapture %}{{ c }}"),
        ("{% tablerow t in list %}", "{% endtablerow %}"),
        ("{% ifchanged %}", "{% endifchanged %}"),
        ("{% case x %}{% when x %}", "{% endcase %}"),
        ("{%- liquid\n", "\n-%}"),
    ]);
    format!("{open}{source}{close}")
}

fn filter(random: &mut Random, mut source: String) -> String {
    let ends: Vec<usize> = source.match_indices("}}").map(|(at, _)| at).collect();
    if ends.is_empty() {
        return source + "{{ s }}";
    }
    let mut call = format!("| {}", random.pick(FILTERS));
    for index in 0..random.below(3) {
        call.push_str(if index == 0 { ": " } else { ", " });
        let values = ["s", "x", "'a'", "''", "2", "-3", "nil", "list", "o.k", "'%c'", "1.5"];
        call.push_str(random.pick::<&str>(&values));
    }
    source.insert_str(*random.pick(&ends), &call);
    source
}

/// The data of one render. Its texts carry U+0001, which must never reach an XML document.
fn data(random: &mut Random) -> Value {
    let texts = [
        json!("\u{1}<&\"'>]]>\u{FFFE}"),
        json!(""),
        json!("a,b,,c"),
        json!(" \u{1} x\r\ny\t"),
        json!("12"),
        json!("-3.75"),
        json!("2024-02-29 12:30"),
        json!("YWJj"),
        json!("%41+%zz%ff"),
        json!("é😀ß\u{1}"),
        json!("&lt;&#1;&amp;"),
        json!("x\u{1}".repeat(200)),
        json!(null),
        json!(true),
        json!(0),
        json!(-7),
        json!(9_223_372_036_854_775_807i64),
        json!(1.5),
        json!(1e300),
        json!(-0.0),
        json!([]),
        json!({}),
    ];
    let any = |random: &mut Random| random.pick(&texts).clone();
    let list: Vec<Value> = (0..random.below(6)).map(|_| any(random)).collect();
    let objects: Vec<Value> = (0..random.below(4)).map(|_| json!({"k": any(random)})).collect();
    let mut deep = any(random);
    for level in 0..random.below(90) {
        deep = if level % 2 == 0 { json!([deep]) } else { json!({"k": deep}) };
    }
    json!({
        "a": objects, "b": any(random), "s": any(random), "x": any(random), "num": any(random),
        "o": {"k": any(random), "b-c": list}, "list": list, "deep": deep, "evil": "\u{1}<&>\"'",
    })
}
