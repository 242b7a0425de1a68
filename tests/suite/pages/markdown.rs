//! The Markdown files of the repository: their fenced blocks, and the code spans between them.

use std::path::Path;

use regex::Regex;

/// A Markdown file.
pub(crate) struct Page {
    /// Its path in the repository.
    pub(crate) path: String,
    pub(crate) blocks: Vec<Block>,
    /// Every code span outside of the blocks, with its line.
    pub(crate) spans: Vec<(usize, String)>,
}

/// A fenced block. Its info string is `LANGUAGE [KIND] [FILE]`: a word with a dot is the name that
/// the block has as a file of the reader.
#[derive(Clone, Default)]
pub(crate) struct Block {
    /// The line of the fence, from 1.
    pub(crate) line: usize,
    pub(crate) language: String,
    pub(crate) kind: String,
    pub(crate) file: Option<String>,
    /// The lines between the fences, without the indent of the fence.
    pub(crate) text: String,
    /// `NAME` of a `<!-- NAME -->` directly before the block: another test writes it.
    pub(crate) written: Option<String>,
}

/// Every page, in the order of the paths.
pub(crate) fn pages() -> Vec<Page> {
    let mut paths = Vec::new();
    find(Path::new(""), &mut paths);
    paths.sort();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: String| {
        let text = std::fs::read_to_string(root.join(&path)).unwrap();
        Page::parse(&path, &text).unwrap_or_else(|error| panic!("{error}"))
    };
    paths.into_iter().map(read).collect()
}

fn find(folder: &Path, found: &mut Vec<String>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for entry in root.join(folder).read_dir().unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = folder.join(&name);
        let kind = entry.file_type().unwrap();
        let is_ours = !name.starts_with('.') && !["target", "node_modules"].contains(&&*name);
        if kind.is_dir() && is_ours {
            find(&path, found);
        } else if kind.is_file() && name.ends_with(".md") {
            found.push(path.to_str().unwrap().to_owned());
        }
    }
}

impl Page {
    pub(crate) fn parse(path: &str, text: &str) -> Result<Page, String> {
        let mut page = Page { path: path.to_owned(), blocks: Vec::new(), spans: Vec::new() };
        let span = Regex::new("(?:^|[^`])`([^`]+)`").unwrap();
        let mut open: Option<(Block, usize)> = None;
        let mut before = "";
        for (number, line) in (1..).zip(text.lines()) {
            let (fence, indent) = (line.trim_start(), line.len() - line.trim_start().len());
            match open.take() {
                None if fence.starts_with("```") => {
                    open = Some((Block::begin(number, &fence[3..], before), indent));
                }
                None => {
                    let spans = span.captures_iter(line).map(|found| found[1].to_owned());
                    page.spans.extend(spans.map(|span| (number, span)));
                }
                Some((block, _)) if fence.trim_end() == "```" => page.blocks.push(block),
                Some((mut block, indent)) => {
                    block.text += line.get(indent..).unwrap_or_default();
                    block.text.push('\n');
                    open = Some((block, indent));
                }
            }
            before = line;
        }
        match open {
            None => Ok(page),
            Some((block, _)) => Err(format!("{path}:{}: this block has no end", block.line)),
        }
    }
}

impl Block {
    fn begin(line: usize, info: &str, before: &str) -> Block {
        let mut words = info.split_whitespace();
        let mut block = Block { line, ..Block::default() };
        block.language = words.next().unwrap_or_default().to_owned();
        for word in words {
            if word.contains('.') {
                block.file = Some(word.to_owned());
            } else {
                block.kind = word.to_owned();
            }
        }
        let comment = before.trim().strip_prefix("<!-- ");
        block.written = comment.and_then(|rest| rest.strip_suffix(" -->")).map(str::to_owned);
        block
    }
}

#[test]
fn blocks_and_spans_are_found() {
    let text =
        "a `b` c\n\n```toml flow a.toml\nx `y`\n```\n1. x\n   ```sh\n   ls\n     -l\n   ```\n";
    let page = Page::parse("a.md", text).unwrap();
    assert_eq!(page.spans, [(1, "b".to_owned())]);
    let [flow, list] = &page.blocks[..] else { panic!("two blocks") };
    assert_eq!((flow.line, &*flow.language, &*flow.kind), (3, "toml", "flow"));
    assert_eq!((flow.file.as_deref(), &*flow.text), (Some("a.toml"), "x `y`\n"));
    assert_eq!((list.line, &*list.text), (7, "ls\n  -l\n"));
    let error = Page::parse("a.md", "\n```sh\nls\n").err();
    assert_eq!(error.as_deref(), Some("a.md:2: this block has no end"));
}
