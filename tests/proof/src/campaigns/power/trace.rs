//! What `strace` has seen of a run: every call that changes or syncs the store's files, and every
//! answer, each with the lines of the trace where it began and where it was over.

use std::collections::HashMap;
use std::path::Path;

/// What is traced: a call that is missing here shows when the files are compared with the model.
pub(super) const CALLS: &str = "openat,pwrite64,pwritev,write,fsync,fdatasync,ftruncate,fallocate,\
                                unlink,unlinkat,rename,renameat,renameat2,accept4,sendto,writev";

/// A run as it was traced.
#[derive(Default)]
pub(super) struct Trace {
    /// Calls on the store's files and its folder, in the order in which they began.
    pub(super) calls: Vec<Call>,
    /// How many lines there are.
    pub(super) lines: usize,
    /// By the carrier's port: what was sent there, and the line where that was over.
    answers: HashMap<u16, Vec<(usize, Vec<u8>)>>,
}

/// A call that did not fail.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) begun: usize,
    /// Far away where the process ended before.
    pub(super) over: usize,
    /// The file's name; nothing for the folder.
    pub(super) name: String,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    /// It is there from now on, and empty if it was not there before.
    Create,
    Write(usize, Vec<u8>),
    Truncate(usize),
    Sync,
    Remove,
}

/// What is known while the trace is read.
struct Reader<'a> {
    folder: &'a Path,
    trace: Trace,
    /// For each thread the line where its call began, and what is known of it.
    begun: HashMap<&'a str, (usize, &'a str)>,
    /// Whose connection a descriptor is.
    ports: HashMap<&'a str, u16>,
}

impl Trace {
    /// Reads what `strace -f -y -xx` wrote of a gateway with this folder.
    ///
    /// # Errors
    /// Something that the model of the disk does not know.
    pub(super) fn read(text: &str, folder: &Path) -> Result<Trace, String> {
        let (begun, ports) = (HashMap::new(), HashMap::new());
        let mut reader = Reader { folder, trace: Trace::default(), begun, ports };
        for (line, text) in text.lines().enumerate() {
            reader.line(line, text).map_err(|error| format!("line {line}: {error}"))?;
            reader.trace.lines = line + 1;
        }
        let open: Vec<_> = reader.begun.drain().collect();
        for (_, (begun, first)) in open {
            reader.call(begun, usize::MAX, first, "")?;
        }
        reader.trace.calls.sort_by_key(|call| call.begun);
        Ok(reader.trace)
    }

    /// The line where an answer had been sent. Of several that are alike, the last.
    pub(super) fn answered(&self, port: u16, body: &str) -> Option<usize> {
        let answers = self.answers.get(&port)?;
        let same = |sent: &[u8]| sent.ends_with(body.as_bytes());
        answers.iter().rev().find(|(_, sent)| same(sent)).map(|(line, _)| *line)
    }

    /// The lines where answers had been sent.
    pub(super) fn answers(&self) -> Vec<usize> {
        let lines = self.answers.values().flatten().map(|(line, _)| *line);
        let mut lines: Vec<usize> = lines.filter(|line| *line < usize::MAX).collect();
        lines.sort_unstable();
        lines
    }
}

impl<'a> Reader<'a> {
    fn line(&mut self, line: usize, text: &'a str) -> Result<(), String> {
        let Some((thread, rest)) = text.split_once(' ') else { return Ok(()) };
        let rest = rest.trim_start();
        if let Some(first) = rest.strip_suffix(" <unfinished ...>") {
            self.begun.insert(thread, (line, first));
            return Ok(());
        }
        let Some(resumed) = rest.strip_prefix("<... ") else {
            return self.call(line, line, rest, "");
        };
        let last = resumed.split_once(" resumed>").map_or("", |(_, last)| last);
        match self.begun.remove(thread) {
            Some((begun, first)) => self.call(begun, line, first, last),
            None => Err("a call that never began".to_owned()),
        }
    }

    /// A whole call, in one piece or in two. One that never ended may have been done.
    fn call(&mut self, begun: usize, over: usize, first: &'a str, last: &'a str) -> Told {
        let Some((call, arguments)) = first.split_once('(') else { return Ok(()) };
        let end = if last.is_empty() { arguments } else { last };
        let (end, result) = end.rsplit_once(") ").unwrap_or((end, ""));
        let result = result.trim_start().trim_start_matches("= ");
        let over = if result.is_empty() || result.starts_with('?') { usize::MAX } else { over };
        if result.starts_with('-') {
            return Ok(());
        }
        let arguments = match last.is_empty() {
            true => end.to_owned(),
            false => format!("{arguments}{end}"),
        };
        match call {
            "accept4" => return self.accepted(&arguments, result),
            "sendto" | "writev" => self.sent(over, &arguments),
            _ => {
                if let Some((name, what)) = self.changed(call, &arguments, result)? {
                    self.trace.calls.push(Call { begun, over, name, what });
                }
            }
        }
        Ok(())
    }

    fn accepted(&mut self, arguments: &str, result: &'a str) -> Told {
        let port = arguments.split_once("htons(").and_then(|(_, rest)| rest.split_once(')'));
        let port = port.and_then(|(port, _)| port.parse().ok()).ok_or("whose connection?")?;
        let descriptor = result.split_once('<').map_or(result, |(descriptor, _)| descriptor);
        self.ports.insert(descriptor, port);
        Ok(())
    }

    fn sent(&mut self, over: usize, arguments: &str) {
        let descriptor = arguments.split_once('<').map_or("", |(descriptor, _)| descriptor);
        let sent: Vec<u8> = arguments.split('"').skip(1).step_by(2).flat_map(bytes).collect();
        // Others are requests to the function, perhaps with a descriptor that was a carrier's.
        if let Some(port) = self.ports.get(descriptor)
            && sent.starts_with(b"HTTP/1.1 200 ")
        {
            self.trace.answers.entry(*port).or_default().push((over, sent));
        }
    }

    /// What becomes of a file of the store, or of its folder.
    fn changed(
        &self,
        call: &str,
        arguments: &str,
        result: &str,
    ) -> Result<Option<(String, What)>, String> {
        let of_descriptor = || self.name(&within(arguments, '<', '>'));
        let of_name = || self.name(&within(arguments, '"', '"'));
        let number = |text: &str| {
            let number = text.trim().parse::<usize>();
            number.map_err(|_| format!("{call}: not a number: `{text}`"))
        };
        let last = arguments.rsplit(", ").next().unwrap_or_default();
        let (name, what) = match call {
            "openat" if arguments.contains("O_TRUNC") => return unknown(call, of_name()),
            "openat" if arguments.contains("O_CREAT") => (of_name(), What::Create),
            "unlink" | "unlinkat" => (of_name(), What::Remove),
            // Nobody finds it again, whatever becomes of it.
            _ if arguments.contains(">(deleted)") => return Ok(None),
            "fsync" | "fdatasync" => (of_descriptor(), What::Sync),
            "pwrite64" => {
                let Some(name) = of_descriptor() else { return Ok(None) };
                let offset = number(last)?;
                let mut bytes = within(arguments, '"', '"');
                let written = number(result).unwrap_or(bytes.len());
                if written > bytes.len() {
                    return Err("more was written than is in the trace".to_owned());
                }
                bytes.truncate(written);
                (Some(name), What::Write(offset, bytes))
            }
            "ftruncate" => {
                let Some(name) = of_descriptor() else { return Ok(None) };
                (Some(name), What::Truncate(number(last)?))
            }
            "rename" | "renameat" | "renameat2" => return unknown(call, of_name()),
            "write" | "pwritev" | "fallocate" => return unknown(call, of_descriptor()),
            _ => return Ok(None),
        };
        Ok(name.map(|name| (name, what)))
    }

    /// A file of the store by its path, if it is one. Its index is not: it is made anew from the
    /// log, and need not be there.
    fn name(&self, path: &[u8]) -> Option<String> {
        let path = self.folder.join(String::from_utf8_lossy(path).as_ref());
        if path == self.folder {
            return Some(String::new());
        }
        let name = path.file_name()?.to_str()?;
        let ours = path.parent() == Some(self.folder);
        (ours && super::disk::is_kept(name)).then(|| name.to_owned())
    }
}

type Told = Result<(), String>;

/// A call that the model of the disk does not know, if it is one on the store.
fn unknown(call: &str, name: Option<String>) -> Result<Option<(String, What)>, String> {
    match name {
        Some(name) => Err(format!("`{call}` of `{name}` is not in the model of the disk")),
        None => Ok(None),
    }
}

/// The bytes between two signs that stand there for the first time.
fn within(text: &str, from: char, to: char) -> Vec<u8> {
    let rest = text.split_once(from).map_or("", |(_, rest)| rest);
    bytes(rest.split_once(to).map_or("", |(text, _)| text))
}

/// `\x61\x62`
fn bytes(text: &str) -> Vec<u8> {
    let codes = text.split("\\x").skip(1);
    codes.filter_map(|code| u8::from_str_radix(code.get(..2)?, 16).ok()).collect()
}
