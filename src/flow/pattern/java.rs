//! Reads a pattern as `java.util.regex.Pattern` does, and writes it in the syntax of the engines.
//!
//! The two syntaxes share most of their text but not its meaning: to Java `\w` is ASCII, `\h` is
//! white space, `\Z` is the end, `a++` never gives a character back, and `[[:alpha:]]` is a class
//! of seven characters. So each element is read, and written anew: letters and digits as they are,
//! every other character as its code, every named class as its ranges.

mod class;
mod escape;

use std::borrow::Cow;
use std::ops::Range;

use super::PatternError;
use super::java_properties::LINE_ENDS;

/// Nested groups, and nested classes. The engines have limits of their own, which are no lower.
const NESTING_MAX: usize = 60;

/// A pattern in the syntax of the engines.
#[derive(Debug)]
pub(super) struct TranslatedPattern {
    /// The pattern.
    pub(super) text: String,
    /// Whether it needs an engine that backtracks.
    pub(super) backtracks: bool,
}

/// Translates a pattern.
///
/// # Errors
/// If Java would refuse the pattern, or if the engines have nothing that is the same.
pub(super) fn translate(pattern: &str) -> Result<TranslatedPattern, PatternError> {
    let mut reader = JavaReader {
        pattern,
        offset: 0,
        flags: Flags::default(),
        groups: Vec::new(),
        captures: 0,
        atom: None,
        out: String::with_capacity(2 * pattern.len()),
        backtracks: false,
    };
    while let Some(next) = reader.next_char() {
        reader.translate_element(next)?;
    }
    if let Some(group) = reader.groups.last() {
        return Err(reader.error(group.place, "this group is not closed"));
    }
    Ok(TranslatedPattern { text: reader.out, backtracks: reader.backtracks })
}

struct JavaReader<'p> {
    pattern: &'p str,
    /// The place of the next character.
    offset: usize,
    flags: Flags,
    /// The open groups.
    groups: Vec<OpenGroup>,
    /// The number of capturing groups that have begun.
    captures: usize,
    /// Where in `out` the element begins that a quantifier would repeat.
    atom: Option<usize>,
    out: String,
    backtracks: bool,
}

/// The flags `(?xsdU)`, whose meaning is put into the pattern. The engines have `i` and `m`.
#[derive(Clone, Copy, Default)]
struct Flags {
    /// `x`: white space and comments mean nothing.
    comments: bool,
    /// `s`: `.` matches ends of lines too.
    dot_all: bool,
    /// `d`: only `\n` ends a line.
    unix_lines: bool,
    /// `U`: the predefined classes are those of Unicode.
    unicode_classes: bool,
}

struct OpenGroup {
    /// The place of its parenthesis in the pattern.
    place: usize,
    /// Where it begins in the output.
    start: usize,
    /// The flags before it, which hold again after it.
    flags: Flags,
}

impl JavaReader<'_> {
    fn translate_element(&mut self, next: char) -> Result<(), PatternError> {
        let place = self.offset - next.len_utf8();
        if self.flags.comments && self.skip_comment(next) {
            return Ok(());
        }
        match next {
            '\\' => return self.translate_escape(),
            '[' => {
                let start = self.out.len();
                self.translate_class(place, 1)?;
                self.atom = Some(start);
            }
            '(' => return self.open_group(place),
            ')' => return self.close_group(place),
            '*' | '+' | '?' | '{' => return self.translate_quantifier(place, next),
            '|' => {
                self.out.push('|');
                self.atom = None;
            }
            '^' | '$' => self.push_atom(if next == '^' { "^" } else { "$" }),
            '.' if self.flags.dot_all => self.push_atom(r"[\x00-\x{10ffff}]"),
            '.' if self.flags.unix_lines => self.push_atom(r"[^\n]"),
            '.' => self.push_atom(&format!("[^{LINE_ENDS}]")),
            literal => self.push_literal(literal),
        }
        Ok(())
    }

    /// Skips white space or a comment, as `(?x)` asks for.
    fn skip_comment(&mut self, next: char) -> bool {
        if next == '#' {
            while self.next_char().is_some_and(|next| next != '\n') {}
            return true;
        }
        next.is_ascii_whitespace() || next == '\x0b'
    }

    fn translate_quantifier(&mut self, place: usize, next: char) -> Result<(), PatternError> {
        let Some(atom) = self.atom.take() else {
            return Err(self.error(place, "nothing before it can be repeated"));
        };
        let quantifier: Cow<'static, str> = match next {
            '*' => "*".into(),
            '+' => "+".into(),
            '?' => "?".into(),
            _ => self.read_counts(place)?.into(),
        };
        // A possessive repetition gives nothing back: it is an atomic group. The engines would take
        // the `+` for a second repetition.
        if self.take('+') {
            self.backtracks = true;
            self.out.insert_str(atom, "(?>");
            self.out.push_str(&quantifier);
            self.out.push(')');
            return Ok(());
        }
        self.out.push_str(&quantifier);
        if self.take('?') {
            self.out.push('?');
        }
        Ok(())
    }

    /// Reads `N}`, `N,}` or `N,M}`.
    fn read_counts(&mut self, place: usize) -> Result<String, PatternError> {
        let rest = &self.pattern[self.offset..];
        let is_count = |text: &str| {
            (1..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        let counts = rest.split_once('}').map(|(counts, _)| counts).filter(|counts| {
            match counts.split_once(',') {
                None => is_count(counts),
                Some((least, most)) => is_count(least) && (most.is_empty() || is_count(most)),
            }
        });
        let Some(counts) = counts else {
            return Err(self.error(place, "not `{N}`, `{N,}` or `{N,M}`; write `\\{` for a brace"));
        };
        self.offset += counts.len() + 1;
        Ok(format!("{{{counts}}}"))
    }

    fn open_group(&mut self, place: usize) -> Result<(), PatternError> {
        if self.groups.len() >= NESTING_MAX {
            return Err(self.error(place, "too many nested groups"));
        }
        let group = OpenGroup { place, start: self.out.len(), flags: self.flags };
        self.atom = None;
        if !self.take('?') {
            self.captures += 1;
            self.out.push('(');
            self.groups.push(group);
            return Ok(());
        }
        // The longest first: `(?<=` is not a name.
        for kind in [":", "=", "!", ">", "<=", "<!"] {
            if self.take_text(kind) {
                self.backtracks |= kind != ":";
                self.out.push_str("(?");
                self.out.push_str(kind);
                self.groups.push(group);
                return Ok(());
            }
        }
        if self.take('<') {
            let name = self.read_name()?;
            self.captures += 1;
            self.out.push_str(&format!("(?<{name}>"));
            self.groups.push(group);
            return Ok(());
        }
        self.translate_flags(group)
    }

    /// Translates `(?FLAGS)` or `(?FLAGS:`.
    fn translate_flags(&mut self, group: OpenGroup) -> Result<(), PatternError> {
        let (mut engine, mut on) = ([None, None], true);
        loop {
            let start = self.offset;
            match self.next_char() {
                Some('-') => on = false,
                Some('i') => engine[0] = Some(on),
                Some('m') => engine[1] = Some(on),
                Some('x') => self.flags.comments = on,
                Some('s') => self.flags.dot_all = on,
                Some('d') => self.flags.unix_lines = on,
                Some('U') => self.flags.unicode_classes = on,
                // The case of all letters is ignored anyway.
                Some('u') => {}
                Some(end @ (':' | ')')) => {
                    self.push_flags(engine, end == ':');
                    if end == ':' {
                        self.groups.push(group);
                    }
                    return Ok(());
                }
                _ => return Err(self.error(start, "Java has no such group or flag")),
            }
        }
    }

    /// Writes the flags that the engines have themselves.
    fn push_flags(&mut self, [case, lines]: [Option<bool>; 2], is_group: bool) {
        let with = |wanted: bool| {
            let letter = |flag: Option<bool>, letter| (flag == Some(wanted)).then_some(letter);
            [letter(case, 'i'), letter(lines, 'm')].into_iter().flatten().collect::<String>()
        };
        let (on, off) = (with(true), with(false));
        if !is_group && on.is_empty() && off.is_empty() {
            return;
        }
        let minus = if off.is_empty() { "" } else { "-" };
        let end = if is_group { ':' } else { ')' };
        self.out.push_str(&format!("(?{on}{minus}{off}{end}"));
    }

    fn close_group(&mut self, place: usize) -> Result<(), PatternError> {
        let Some(group) = self.groups.pop() else {
            return Err(self.error(place, "no group is open; write `\\)` for a parenthesis"));
        };
        self.flags = group.flags;
        self.atom = Some(group.start);
        self.out.push(')');
        Ok(())
    }

    /// Reads a name of a group, up to its `>`.
    fn read_name(&mut self) -> Result<String, PatternError> {
        let place = self.offset;
        let name = self.pattern[place..].split_once('>').map(|(name, _)| name).filter(|name| {
            name.starts_with(|letter: char| letter.is_ascii_alphabetic())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
        let Some(name) = name else {
            return Err(self.error(place, "not the name of a group: letters and digits, and `>`"));
        };
        self.offset += name.len() + 1;
        Ok(name.to_owned())
    }

    /// Writes an element that a quantifier may repeat.
    fn push_atom(&mut self, text: &str) {
        self.atom = Some(self.out.len());
        self.out.push_str(text);
    }

    fn push_literal(&mut self, literal: char) {
        self.atom = Some(self.out.len());
        self.push_char(literal);
    }

    /// Writes a character so that no engine takes it for syntax.
    fn push_char(&mut self, literal: char) {
        if literal.is_alphanumeric() {
            self.out.push(literal);
        } else {
            self.out.push_str(&format!("\\x{{{:x}}}", u32::from(literal)));
        }
    }

    fn peek(&self) -> Option<char> {
        self.pattern[self.offset..].chars().next()
    }

    fn next_char(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.offset += next.len_utf8();
        Some(next)
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.offset += if found { wanted.len_utf8() } else { 0 };
        found
    }

    fn take_text(&mut self, wanted: &str) -> bool {
        let found = self.pattern[self.offset..].starts_with(wanted);
        self.offset += if found { wanted.len() } else { 0 };
        found
    }

    /// The error about the text from `start` to where the reader is.
    fn error(&self, start: usize, reason: &str) -> PatternError {
        let place: Range<usize> = start..self.offset.max(start);
        PatternError { reason: reason.to_owned(), place }
    }
}
