//! The check of a project: Node parses each file, without running it, and looks for the packages
//! that it requires.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

use super::frame::{BOOT, FrameBuffer, Mistake, ProcessFrame, RUNTIME, frame_bytes, frame_json};
use super::program::NodeProgram;
use super::project::ProjectFolder;
use crate::diagnostics::problem::{Problem, Severity, Source};
use crate::limits::{FUNCTION_FILE_BYTES_MAX, NODE_READY_WITHIN};
use crate::read_limited::read_text_limited;

/// Code in the configuration: its text, and the place of the text.
pub(crate) struct CodeSource<'a> {
    pub(crate) text: &'a str,
    pub(crate) source: &'a Source,
    pub(crate) span: Range<usize>,
}

/// Everything that is wrong with the files of a project and the code in the configuration. Files
/// are warnings, because the other functions serve; code is an error of the configuration.
pub(crate) fn check_project(
    node: &NodeProgram,
    project: &ProjectFolder,
    code: &BTreeMap<&str, CodeSource<'_>>,
) -> Vec<Problem> {
    let mut problems = check_typescript(node, project);
    match parse_files(node, project, code) {
        Ok(mistakes) => {
            let mut described: Vec<Problem> =
                mistakes.iter().filter_map(|mistake| describe(mistake, project, code)).collect();
            described.dedup_by(|a, b| a.message == b.message);
            problems.extend(described);
        }
        Err(error) => {
            let message = format!("the functions could not be checked: {error}");
            problems.push(Problem::new(Severity::Warning, message));
        }
    }
    problems
}

fn check_typescript(node: &NodeProgram, project: &ProjectFolder) -> Vec<Problem> {
    let (major, minor) = node.version;
    let is_typescript =
        |name: &str| name.ends_with(".ts") || name.ends_with(".mts") || name.ends_with(".cts");
    let files = project.functions.values().filter(|function| is_typescript(&function.name));
    let warn = |function: &super::project::ProjectFunction| {
        let message =
            format!("`{}` needs Node 22.18 or later; this one is {major}.{minor}", function.name);
        let help = "install a newer Node, or compile the file to JavaScript";
        Problem::new(Severity::Warning, message).help(help)
    };
    if node.runs_typescript() { Vec::new() } else { files.map(warn).collect() }
}

/// Lets Node parse all files in one process, which runs none of them.
fn parse_files(
    node: &NodeProgram,
    project: &ProjectFolder,
    code: &BTreeMap<&str, CodeSource<'_>>,
) -> std::io::Result<Vec<Mistake>> {
    let files = project.functions.values().map(|function| json!({ "file": function.file }));
    let inline = code.keys().map(|name| json!({ "name": name }));
    let list: Vec<_> = files.chain(inline).collect();
    let texts: BTreeMap<_, _> = code.iter().map(|(name, code)| (*name, code.text)).collect();
    let (mut ours, theirs) = UnixStream::pair()?;
    ours.set_read_timeout(Some(NODE_READY_WITHIN))?;
    let mut command = Command::new(&node.path);
    command
        .args(["--experimental-vm-modules", "--no-warnings", "-e", BOOT])
        .env_clear()
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command.spawn()?;
    // It has a copy of the other end, which must close with the process.
    drop(command);
    let mut exchange = || {
        ours.write_all(&frame_bytes(RUNTIME.as_bytes()))?;
        let check = json!({ "base": project.folder, "list": list, "code": texts });
        ours.write_all(&frame_json(&json!({ "check": check })))?;
        let mut buffer = FrameBuffer::default();
        loop {
            match buffer.next_frame()? {
                Some(ProcessFrame::Checked(mistakes)) => return Ok(mistakes),
                Some(_) => continue,
                None => {}
            }
            let mut chunk = [0; 16 * 1024];
            match ours.read(&mut chunk)? {
                0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                count => buffer.bytes.extend_from_slice(&chunk[..count]),
            }
        }
    };
    let mistakes = exchange();
    let _ = child.kill();
    let _ = child.wait();
    mistakes
}

/// A mistake as a problem with its place.
fn describe(
    mistake: &Mistake,
    project: &ProjectFolder,
    code: &BTreeMap<&str, CodeSource<'_>>,
) -> Option<Problem> {
    if let Some(name) = &mistake.name {
        let code = code.get(name.as_str())?;
        let message = format!("`function.{name}.code` has a syntax error in line {}", mistake.line);
        let problem = code.source.error(code.span.clone(), message);
        return Some(problem.expected(mistake.message.clone()));
    }
    let file = Path::new(mistake.file.as_deref()?);
    let name = file.strip_prefix(&project.folder).unwrap_or(file).display().to_string();
    let text = read_text_limited(file, FUNCTION_FILE_BYTES_MAX).ok()?;
    let source = Source::new(&file.display().to_string(), &text);
    let span = span_of(&text, mistake.line, mistake.column);
    Some(match &mistake.missing {
        Some(package) if package.starts_with('.') || package.starts_with('/') => {
            let problem = source.warning(span, format!("`{name}` requires `{package}`"));
            problem.expected("no such file")
        }
        Some(package) => {
            let problem = source.warning(span, format!("`{name}` requires `{package}`"));
            let folder = project.folder.display();
            problem.expected("not installed").help(format!(
                "run `npm install` in {folder}; if package.json lacks it, `npm install {package}`"
            ))
        }
        None => {
            let problem = source.warning(span, format!("`{name}` cannot be run"));
            let help = "the other functions serve; calls of this one fail";
            problem.expected(mistake.message.clone()).help(help)
        }
    })
}

/// The bytes from a line and column, which count UTF-16 units from 1, to the end of the line.
fn span_of(text: &str, line: usize, column: usize) -> Range<usize> {
    let begin: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let rest = text[begin..].lines().next().unwrap_or_default();
    let mut units = 0;
    let at = rest.char_indices().find(|(_, c)| {
        let reached = units + 1 >= column;
        units += c.len_utf16();
        reached
    });
    let start = begin + at.map_or(rest.len(), |(at, _)| at);
    let word = text[start..].find(|c: char| c.is_whitespace() || ";)".contains(c));
    let end = start + word.unwrap_or(text.len() - start);
    start..end.max(start + usize::from(start < begin + rest.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let text = "a\nlet é = 😀 x;\n";
        assert_eq!(&text[span_of(text, 2, 5)], "é");
        assert_eq!(&text[span_of(text, 2, 12)], "x");
        assert_eq!(span_of(text, 9, 9), text.len()..text.len());
        assert_eq!(span_of("", 1, 1), 0..0);
        assert_eq!(span_of("é", 1, 1), 0..2);
    }
}
