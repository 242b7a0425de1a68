//! Fuzzes Liquid: random templates and random data, compiled and rendered.
//!
//! `cargo run --release --manifest-path fuzz/Cargo.toml --bin liquid -- --seconds 60 [--seed 1]`
//!
//! Runs on stable: templates are grown from the corpus (`fuzz/corpus/liquid/` and the cases in
//! `tests/liquid/`) by a generator of its own, the same for the same seed. Every input must end in
//! a text or an error, within the bounds of time, memory and size, and no character that XML
//! forbids may get from the data into an XML document. A finding is written to
//! `fuzz/artifacts/liquid/` and ends the run with status 1.

#![allow(dead_code, unused_imports, reason = "the module is taken whole, without its crate")]

#[path = "../../../src"]
mod source {
    pub mod excerpt;
    pub mod liquid;
}

use std::alloc::System;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use liquid::{Engine, Error, Limits, Output};
use serde_json::{Value, json};
use source::{excerpt, liquid};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// No input may take longer: time of this process, not that of the clock, where Linux tells it.
const TIME_MAX: Duration = Duration::from_secs(2);
/// Bytes that one input may allocate, all added up.
const ALLOCATED_MAX: usize = 512 << 20;
/// Longer templates are cut.
const SOURCE_MAX: usize = 6_000;
/// Templates that grew out of the corpus, kept to grow on.
const POOL_MAX: usize = 4_000;

/// What a template is made of.
const WORDS: &[&str] = &[
    "{{",
    "}}",
    "{%",
    "%}",
    "{{-",
    "-}}",
    "{%-",
    "-%}",
    "|",
    ":",
    ",",
    ".",
    "..",
    "[",
    "]",
    "(",
    ")",
    "==",
    "!=",
    "<>",
    "<",
    ">",
    "<=",
    ">=",
    "contains",
    "and",
    "or",
    "in",
    "reversed",
    "limit:",
    "offset:",
    "offset: continue",
    "cols:",
    "with",
    "for",
    "as",
    "nil",
    "true",
    "false",
    "blank",
    "empty",
    "'a'",
    "\"b\"",
    "'",
    "\"",
    "0",
    "1",
    "-1",
    "3.5",
    "99999999999999999999",
    "1e9",
    "a",
    "b",
    "x",
    "s",
    "o",
    "list",
    "deep",
    "num",
    "evil",
    "forloop",
    "forloop.index",
    "forloop.parentloop",
    "tablerowloop.col",
    "size",
    "first",
    "last",
    "\n",
    " ",
    "\t",
    "é",
    "😀",
    "-",
    "#",
    "?",
    "=",
    "allow_false: true",
    "timezone: 'UTC'",
    "(1..3)",
    "(1..9999999999)",
    "o.k",
    "o['k']",
    "list[0]",
    "list[-1]",
    "a.b.c",
    "%Y-%m-%d %H:%M",
    "%-d %^B %10N",
    "now",
    "2020-02-30T25:61",
    "endif",
    "endfor",
    "else",
    "elsif x",
    "when 1",
    "endcase",
    "endraw",
    "endcomment",
    "endcapture",
    "endliquid",
];

/// Whole tags, whose insides grow.
const TAGS: &[&str] = &[
    "{% if x == 1 %}y{% elsif s %}z{% else %}n{% endif %}",
    "{% unless o.k contains 'a' %}y{% endunless %}",
    "{% for i in list %}{{ i }}{{ forloop.index }}{% else %}-{% endfor %}",
    "{% for i in (1..9) limit: 3 offset: continue reversed %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}",
    "{% for p in o %}{{ p[0] }}={{ p[1] }}{% continue %}{% endfor %}",
    "{% tablerow i in list cols: 2 %}{{ tablerowloop.col_last }}{% endtablerow %}",
    "{% case x %}{% when 1, 'a' or s %}A{% else %}B{% endcase %}",
    "{% assign a = s | split: ',' | concat: list | uniq | sort %}",
    "{% capture b %}{{ s }}<b>{{ b }}</b>{% endcapture %}",
    "{% increment x %}{% decrement x %}{% cycle 'g': 1, 2 %}{% cycle s, x %}",
    "{% ifchanged %}{{ s }}{% endifchanged %}",
    "{% include 'self' %}",
    "{% include 'part' with s as v, w: 1 %}",
    "{% render 'part' for list as v %}",
    "{% raw %}{{ x }}{% endraw %}",
    "{% comment %}{% if %}{% endcomment %}",
    "{% # c %}",
    "{% liquid\nassign z = 1\necho z\nif s\necho s\nendif %}",
    "{% echo s | upcase %}",
    "{% doc %} {{ {% enddoc %}",
    "{{ s }}",
    "{{ x }}",
    "{{ list }}",
    "{{ o }}",
    "{{ evil }}",
    "{{ deep }}",
];

fn main() {
    let (seconds, seed) = arguments();
    std::panic::set_hook(Box::new(|_| {}));
    let mut seeds = corpus();
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    former(&seeds, &mut random);
    println!("{} seeds, seed {seed}, {seconds} s", seeds.len());
    seeds.extend(TAGS.iter().map(|tag| (*tag).to_owned()));
    let mut pool: Vec<String> = Vec::new();
    let mut counts = Counts::default();
    let start = Instant::now();
    let mut reported = start;
    while start.elapsed() < Duration::from_secs(seconds) {
        let source = grow(&mut random, &seeds, &pool);
        let data = data(&mut random);
        match judge(&source, &data) {
            Ok(compiled) => {
                counts.inputs += 1;
                counts.compiled += u64::from(compiled);
                if compiled && source.len() < 1_500 && random.one_in(6) {
                    if pool.len() < POOL_MAX {
                        pool.push(source);
                    } else {
                        let index = random.below(POOL_MAX);
                        pool[index] = source;
                    }
                }
            }
            Err(why) => report(&why, &source, &data),
        }
        if reported.elapsed() > Duration::from_secs(60) {
            reported = Instant::now();
            counts.print(start);
        }
    }
    counts.print(start);
    println!("no finding");
}

#[derive(Default)]
struct Counts {
    inputs: u64,
    compiled: u64,
}

impl Counts {
    fn print(&self, start: Instant) {
        let (inputs, compiled) = (self.inputs, self.compiled);
        println!(
            "{:>6} s: {inputs} inputs, {compiled} of them compiled",
            start.elapsed().as_secs()
        );
    }
}

/// The seeds as they are, and what was found before.
fn former(seeds: &[String], random: &mut Random) {
    for source in seeds {
        let data = data(random);
        judge(source, &data).unwrap_or_else(|why| report(&why, source, &data));
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("artifacts/liquid");
    for file in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let text = std::fs::read_to_string(file.path()).unwrap_or_default();
        let Ok(case) = serde_json::from_str::<Value>(&text) else { continue };
        let source = case["template"].as_str().unwrap_or_default();
        judge(source, &case["data"]).unwrap_or_else(|why| report(&why, source, &case["data"]));
    }
}

fn arguments() -> (u64, u64) {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |name: &str, default: u64| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(default)
    };
    (value("--seconds", 60), value("--seed", 1))
}

/// The templates to start from.
fn corpus() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    for folder in ["corpus/liquid", "../tests/liquid"] {
        let Ok(files) = std::fs::read_dir(root.join(folder)) else { continue };
        let mut paths: Vec<_> = files.filter_map(Result::ok).map(|file| file.path()).collect();
        paths.sort();
        for path in paths {
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            match serde_json::from_str::<Value>(&text) {
                Ok(cases) => sources.extend(templates(&cases)),
                Err(_) => sources.push(text),
            }
        }
    }
    sources
}

fn templates(cases: &Value) -> Vec<String> {
    let cases = cases["tests"].as_array().into_iter().flatten();
    cases.filter_map(|case| case["template"].as_str().map(str::to_owned)).collect()
}

/// A new template out of old ones.
fn grow(random: &mut Random, seeds: &[String], pool: &[String]) -> String {
    let pick = |random: &mut Random| {
        if !pool.is_empty() && random.one_in(2) { random.pick(pool) } else { random.pick(seeds) }
    };
    let mut source = pick(random).clone();
    for _ in 0..1 + random.below(8) {
        let at = boundary(&source, random.below(source.len() + 1));
        match random.below(10) {
            0 => source.insert_str(at, random.word(WORDS)),
            1 => source.insert_str(at, random.word(TAGS)),
            2 => {
                let end = boundary(&source, at + random.below(12));
                source.replace_range(at..end, "");
            }
            3 => {
                let end = boundary(&source, at + random.below(40));
                let piece = source[at..end].repeat(1 + random.below(4));
                source.insert_str(at, &piece);
            }
            4 => source.push_str(&pick(random)),
            5 => {
                let other = pick(random);
                let cut = boundary(&other, random.below(other.len() + 1));
                source.insert_str(at, &other[cut..]);
            }
            6 => wrap(random, &mut source),
            7 => {
                let letter = char::from_u32(random.below(0x250) as u32).unwrap_or('x');
                source.insert(at, letter);
            }
            8 => replace_word(random, &mut source),
            _ => filter(random, &mut source),
        }
    }
    let end = boundary(&source, SOURCE_MAX);
    source.truncate(end);
    source
}

/// Puts the template into a block.
fn wrap(random: &mut Random, source: &mut String) {
    let (open, close) = *random.pick(&[
        ("{% for i in (1..4) %}", "{% endfor %}"),
        ("{% if s %}", "{% endif %}"),
        ("{% capture c %}", "{% endcapture %}{{ c }}"),
        ("{% tablerow t in list %}", "{% endtablerow %}"),
        ("{% ifchanged %}", "{% endifchanged %}"),
        ("{% case x %}{% when x %}", "{% endcase %}"),
        ("{%- liquid\n", "\n-%}"),
    ]);
    *source = format!("{open}{source}{close}");
}

/// Puts another word in the place of one.
fn replace_word(random: &mut Random, source: &mut String) {
    let words: Vec<(usize, usize)> = source
        .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .filter(|word| !word.is_empty())
        .map(|word| (word.as_ptr() as usize - source.as_ptr() as usize, word.len()))
        .collect();
    if !words.is_empty() {
        let (start, length) = *random.pick(&words);
        source.replace_range(start..start + length, random.word(WORDS));
    }
}

/// Puts a filter behind an output.
fn filter(random: &mut Random, source: &mut String) {
    let ends: Vec<usize> = source.match_indices("}}").map(|(at, _)| at).collect();
    if ends.is_empty() {
        source.push_str("{{ s }}");
        return;
    }
    let mut call = format!("| {}", random.word(FILTERS));
    for index in 0..random.below(3) {
        call.push_str(if index == 0 { ": " } else { ", " });
        call.push_str(
            random.word(&["s", "x", "'a'", "''", "2", "-3", "nil", "list", "o.k", "'%c'", "1.5"]),
        );
    }
    source.insert_str(*random.pick(&ends), &call);
}

const FILTERS: &[&str] = &[
    "abs",
    "append",
    "at_least",
    "at_most",
    "base64_decode",
    "base64_encode",
    "base64_url_safe_decode",
    "base64_url_safe_encode",
    "capitalize",
    "ceil",
    "compact",
    "concat",
    "date",
    "default",
    "divided_by",
    "downcase",
    "escape",
    "escape_once",
    "find",
    "find_index",
    "first",
    "floor",
    "h",
    "has",
    "join",
    "json",
    "last",
    "lstrip",
    "map",
    "minus",
    "modulo",
    "newline_to_br",
    "plus",
    "prepend",
    "reject",
    "remove",
    "remove_first",
    "remove_last",
    "replace",
    "replace_first",
    "replace_last",
    "reverse",
    "round",
    "rstrip",
    "size",
    "slice",
    "sort",
    "sort_natural",
    "split",
    "squish",
    "strip",
    "strip_html",
    "strip_newlines",
    "sum",
    "times",
    "to_json",
    "truncate",
    "truncatewords",
    "uniq",
    "upcase",
    "url_decode",
    "url_encode",
    "where",
];

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

/// Compiles and renders in every way. Answers whether it compiled.
fn judge(source: &str, data: &Value) -> Result<bool, String> {
    let region = Region::new(ALLOCATOR);
    let start = time_used();
    let judged = catch_unwind(AssertUnwindSafe(|| all_ways(source, data)));
    let (elapsed, allocated) = (time_used().saturating_sub(start), region.change().bytes_allocated);
    let compiled = judged.map_err(|panic| format!("panic: {}", message(&*panic)))??;
    if elapsed > TIME_MAX {
        return Err(format!("took {elapsed:?}"));
    }
    if allocated > ALLOCATED_MAX {
        return Err(format!("allocated {allocated} bytes"));
    }
    Ok(compiled)
}

/// The time that this thread has had a processor, so that a busy machine is no finding. Where the
/// system does not tell, the time since the first call.
fn time_used() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let used = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = used.and_then(|text| text.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

fn all_ways(source: &str, data: &Value) -> Result<bool, String> {
    let limits = Limits::default();
    let output_max = limits.output_bytes;
    let mut engine = Engine::new(limits);
    let partial = "[{{ part }}{{ v | upcase }}{% assign p = v %}{{ forloop.index }}]";
    engine.add_partial("part", partial).map_err(|errors| format!("{:?}", errors[0]))?;
    if let Err(errors) = engine.add_partial("self", source) {
        errors.iter().try_for_each(check_error)?;
    }
    for output in [Output::Plain, Output::Xml] {
        let template = match engine.compile("fuzz", source, output) {
            Ok(template) => template,
            Err(errors) => {
                errors.iter().try_for_each(check_error)?;
                return Ok(false);
            }
        };
        let _ = (template.variables(), template.is_constant());
        match template.render(data, 1_700_000_000) {
            Ok(text) if text.len() > output_max => return Err(format!("{} bytes", text.len())),
            Ok(text) if output == Output::Xml => check_xml(source, &text)?,
            Ok(_) => {}
            Err(error) => check_error(&error)?,
        }
        if let Err(error) = template.evaluate(data, 1_700_000_000) {
            check_error(&error)?;
        }
    }
    Ok(true)
}

fn check_error(error: &Error) -> Result<(), String> {
    let line = error.to_string();
    let excerpt = format!("{error:#}");
    let span = error.span();
    if line.contains('\n') || line.contains('\u{1}') || excerpt.contains('\u{1}') {
        return Err(format!("an error shows data: {line:?}"));
    }
    if error.source_text().get(span.clone()).is_none() || error.line() == 0 || error.column() == 0 {
        return Err(format!("an error has no place: {line} {span:?}"));
    }
    Ok(())
}

/// What the source itself does not hold must not be in the document.
fn check_xml(source: &str, text: &str) -> Result<(), String> {
    let forbidden = ['\u{1}', '\u{FFFE}'];
    if !source.contains("raw") && !source.contains(forbidden) && text.contains(forbidden) {
        return Err("a character that XML forbids got into the document".to_owned());
    }
    Ok(())
}

fn report(why: &str, source: &str, data: &Value) -> ! {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("artifacts/liquid");
    let mut name = String::new();
    let hash =
        source.bytes().fold(0u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let _ = write!(name, "{hash:016x}.json");
    let case = json!({"why": why, "template": source, "data": data});
    let written = std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(folder.join(&name), case.to_string()));
    println!("FINDING: {why}\n{source:?}\n{data}\nwritten to artifacts/liquid/{name}: {written:?}");
    std::process::exit(1);
}

fn boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// xorshift64*: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 33) as usize % limit.max(1)
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    fn word(&mut self, words: &[&'static str]) -> &'static str {
        words[self.below(words.len())]
    }

    fn pick<'p, T>(&mut self, choices: &'p [T]) -> &'p T {
        &choices[self.below(choices.len())]
    }
}
