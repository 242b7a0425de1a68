//! The pages as their readers use them: every block of every Markdown file is run, read or
//! rendered, and every command in a sentence exists. `tests/README.md` says how a block is written.

mod configuration;
pub(crate) mod markdown;
mod output;
mod programs;
mod reader;
mod shell;
mod shop;
mod spans;
mod terminal;

use markdown::{Block, Page};
use reader::Reader;

use crate::functions::node_program;

/// Blocks that nothing runs: the page, how the block begins, and why.
const SHOWN_ONLY: [(&str, &str, &str); 8] = [
    (
        "README.md",
        "$ twimlgate new hotline",
        "several terminals; `dev` and `new_projects` run them",
    ),
    ("docs/applications.md", "const app = express();", "`tests/differential/forwarding` runs it"),
    ("docs/applications.md", "app = Flask(__name__)", "`tests/differential/forwarding` runs it"),
    ("docs/applications.md", "application `/app/*` cannot", "`forwarding::answers` has the line"),
    ("docs/functions-folder.md", "project/", "the files of a project; `functions::calls` has some"),
    ("docs/signatures.md", "X-Twilio-Signature = ", "a formula; `verify::vectors` computes it"),
    ("docs/signatures.md", "X-Twilio-Webhooks-Signature-Settings", "a header of the carrier"),
    ("tests/proof/README.md", "pub(crate) const CAMPAIGN", "an outline of a campaign"),
];

/// Pages whose commands run functions in Node.
const NEED_NODE: [&str; 2] =
    ["docs/coming-from/twilio-functions.md", "examples/auto-responder/README.md"];

#[test]
fn every_block_is_checked() {
    let pages = markdown::pages();
    let failures: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = pages.iter().map(|page| scope.spawn(|| check_page(page))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let blocks: usize = pages.iter().map(|page| page.blocks.len()).sum();
    assert!(failures.is_empty(), "{} of {blocks}\n\n{}", failures.len(), failures.join("\n\n"));
    assert!(blocks > 60, "{blocks}");
}

#[test]
fn every_command_in_a_sentence_exists() {
    let mut wrong = Vec::new();
    for page in markdown::pages().iter().filter(|page| page.path != "CHANGELOG.md") {
        let failures = page.spans.iter().filter_map(|(line, span)| {
            spans::check(span).err().map(|error| format!("{}:{line}: {error}", page.path))
        });
        wrong.extend(failures);
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_block_that_is_only_shown_is_there() {
    let pages = markdown::pages();
    for (path, beginning, _) in SHOWN_ONLY {
        let page = pages.iter().find(|page| page.path == path);
        let mut blocks = page.unwrap().blocks.iter();
        assert!(blocks.any(|block| block.text.starts_with(beginning)), "{path}: {beginning}");
    }
}

/// The checks themselves: a wrong block of each kind fails with its place.
#[test]
fn a_wrong_block_is_found() {
    let wrong = [
        "```\nls\n```",
        "```ruby\nputs 1\n```",
        "```toml flows\na = 1\n```",
        "```text\nhello\n```",
        "```sh\ntwimlgate check --config nowhere.toml\n```",
        "```sh\ncurl http://127.0.0.1/\n```",
        "```sh\ntests/proof/run --no-such-option\n```",
        "```sh\necho 'open\n```",
        "```console\n$ printf 'one\\ntwo\\n'\none\n```",
        "```console\ntwimlgate check\n```",
        "```sh\nprintf one\n```\n```text output\ntwo\n```",
        "```toml\n[server]\nlisten_on = \"127.0.0.1:8080\"\n```",
        "```toml\n[function.a]\nurl = \"http://127.0.0.1:9000/\"\nhold = \"none.xml\"\n```",
        "```toml flow\n[widget.Trigger]\ntype = \"trigger\"\non = { incomingCall = \"a\" }\n```",
        "```toml test\nflow = \"none.json\"\n[[case]]\nname = \"a\"\nscript = 'hear a'\n```",
        "```xml\n<Response><Say>Hi</Response>\n```",
        "```xml\n<Response><Sayy>Hi</Sayy></Response>\n```",
        "```liquid\n<Response>{% if %}</Response>\n```",
        "```yaml\na: [1\n```",
        "```yaml\njobs:\n  - run: twimlgate tests\n```",
        "```text findings\n1:1: nothing\n```",
        "<!-- hotline -->\n```toml\na = 1\n```",
    ];
    let text = wrong.join("\n\n");
    let page = Page::parse("made-up.md", &text).unwrap();
    let failures = check_page(&page);
    let found: Vec<&str> =
        failures.iter().filter_map(|failure| failure.split(": ").next()).collect();
    let is_sound = |block: &&Block| block.text != "printf one\n";
    let expected = page.blocks.iter().filter(is_sound);
    let expected: Vec<String> =
        expected.map(|block| format!("=== made-up.md:{}", block.line)).collect();
    assert_eq!(found, expected, "{}", failures.join("\n\n"));
    assert!(failures[1].contains("no rule checks a block of `ruby`"), "{}", failures[1]);
    assert!(failures[5].contains("add the program to a list of"), "{}", failures[5]);
}

/// Checks the blocks of a page in their order, in one folder, as a reader would follow them.
fn check_page(page: &Page) -> Vec<String> {
    // Without Node, `node_program` says what is skipped.
    let cannot_run = || NEED_NODE.contains(&&*page.path) && node_program().is_none();
    if page.blocks.is_empty() || cannot_run() {
        return Vec::new();
    }
    let mut reader = Reader::new(&page.path);
    for block in &page.blocks {
        block.file.iter().for_each(|name| reader.write(name, &block.text));
    }
    let before = reader::root().join("tests/pages").join(&page.path).join("before.sh");
    let before = std::fs::read_to_string(before).unwrap_or_default();
    let before = shell::check_commands(&mut reader, &before);
    let mut failures: Vec<String> = before.err().into_iter().collect();
    let mut printed = String::new();
    for block in &page.blocks {
        let checked = check_block(&mut reader, page, block, &mut printed);
        let place = |error| format!("=== {}:{}: {error}", page.path, block.line);
        failures.extend(checked.err().map(place));
    }
    for line in shell::not_run(&reader) {
        println!("not run: {}: {line}", page.path);
    }
    failures
}

/// Checks a block. `printed` is what the commands of the block before it have printed.
fn check_block(
    reader: &mut Reader,
    page: &Page,
    block: &Block,
    printed: &mut String,
) -> Result<(), String> {
    if let Some(name) = &block.written {
        let parts = crate::flow_tests::manual_parts();
        let is_known = page.path == "docs/flow-tests.md" && parts.iter().any(|part| part.0 == name);
        return is_known.then_some(()).ok_or(format!("no test writes `{name}`"));
    }
    match (&*block.language, &*block.kind) {
        ("sh", "") => {
            *printed = shell::check_commands(reader, &block.text)?;
            Ok(())
        }
        ("console", "") => shell::check_session(reader, &block.text),
        ("console", "terminal") => terminal::check_session(reader, &block.text),
        ("text", "output") => {
            let steady = if printed.contains("time to answer") {
                output::steady_report
            } else {
                output::steady
            };
            output::compare(&steady(&block.text), &steady(printed))
        }
        ("text", "findings") => check_findings(&block.text),
        ("toml", "") => configuration::check_config(reader, &block.text),
        ("toml", "flow") => configuration::check_flow(reader, block),
        ("toml", "test") => configuration::check_flow_test(reader, &block.text),
        ("liquid" | "xml", "") => configuration::check_template(reader, &block.text),
        ("yaml", "") => configuration::check_workflow(reader, &block.text),
        ("js" | "python", "function") => programs::check_function(reader, block),
        ("js" | "python", "client") => programs::check_client(reader, block),
        _ => check_shown(page, block),
    }
}

/// Findings of documents: each is expected in a case of `tests/twiml`.
fn check_findings(text: &str) -> Result<(), String> {
    let mut expected = String::new();
    for folder in ["tests/twiml/voice", "tests/twiml/message"] {
        for entry in reader::root().join(folder).read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "txt") {
                expected += &std::fs::read_to_string(path).unwrap();
            }
        }
    }
    let is_unknown = |line: &&str| !expected.lines().any(|known| known == *line);
    text.lines()
        .find(is_unknown)
        .map_or(Ok(()), |line| Err(format!("no case of tests/twiml has this finding: {line}")))
}

fn check_shown(page: &Page, block: &Block) -> Result<(), String> {
    let is_shown = |(path, beginning, _): &(&str, &str, &str)| {
        page.path == *path && block.text.starts_with(beginning)
    };
    if SHOWN_ONLY.iter().any(is_shown) {
        return Ok(());
    }
    let info = format!("{} {}", block.language, block.kind);
    Err(format!(
        "no rule checks a block of `{}`. Write what it is behind the three backquotes, as \
         tests/README.md says under \"The pages\": `sh`, `console`, `text output`, `toml`, \
         `toml flow`, `toml test`, `xml`, `liquid`, `yaml`, `js function`, `python function`, … \
         A block that nothing can run has an entry in `SHOWN_ONLY` of tests/suite/pages.rs",
        info.trim()
    ))
}
