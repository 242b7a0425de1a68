//! Classes of characters: `[a-z&&[^aeiou]\d]`.

use super::{JavaReader, NESTING_MAX};
use crate::flow::pattern::PatternError;
use crate::flow::pattern::java::escape::Escaped;

impl JavaReader<'_> {
    /// Translates a class whose `[` has been read, at `place`.
    pub(super) fn translate_class(
        &mut self,
        place: usize,
        depth: usize,
    ) -> Result<(), PatternError> {
        if depth > NESTING_MAX {
            return Err(self.error(place, "too many nested classes"));
        }
        self.out.push('[');
        if self.take('^') {
            self.out.push('^');
        }
        // A `]` that comes first is a character.
        let mut is_first = true;
        loop {
            let start = self.offset;
            let Some(next) = self.next_char() else {
                return Err(self.error(place, "this class is not closed"));
            };
            if self.flags.comments && self.skip_comment(next) {
                continue;
            }
            match next {
                ']' if !is_first => {
                    self.out.push(']');
                    return Ok(());
                }
                '[' => self.translate_class(start, depth + 1)?,
                '&' if self.take('&') => {
                    // Java takes `&&&&` for one intersection.
                    while self.take_text("&&") {}
                    self.out.push_str("&&");
                }
                '\\' if self.take('Q') => {
                    self.read_quoted().chars().for_each(|literal| self.push_member(literal));
                }
                '\\' => match self.read_escape()? {
                    Escaped::Char(low) => self.translate_range(start, low)?,
                    Escaped::Class(class) => self.out.push_str(&class),
                },
                low => self.translate_range(start, low)?,
            }
            is_first = false;
        }
    }

    /// Translates a character that may begin a range.
    fn translate_range(&mut self, start: usize, low: char) -> Result<(), PatternError> {
        let rest = &self.pattern[self.offset..];
        // Before the end or a nested class, `-` is a character.
        let begins = rest.strip_prefix('-').and_then(|rest| rest.chars().next());
        if begins.is_none_or(|next| next == ']' || next == '[') {
            self.push_member(low);
            return Ok(());
        }
        self.push_char(low);
        self.offset += 1;
        let high = match self.next_char() {
            Some('\\') => match self.read_escape()? {
                Escaped::Char(high) => high,
                Escaped::Class(_) => {
                    return Err(self.error(start, "a class cannot be the end of a range"));
                }
            },
            Some(high) => high,
            None => return Err(self.error(start, "this class is not closed")),
        };
        if high < low {
            return Err(self.error(start, "the range ends before it begins"));
        }
        self.out.push('-');
        self.push_char(high);
        Ok(())
    }

    /// Writes one character of a class.
    fn push_member(&mut self, literal: char) {
        self.push_char(literal);
        // The backtracking engine writes the character itself, and `[:x:]` is a class to it.
        if literal == ':' {
            self.out.push('-');
            self.push_char(literal);
        }
    }

    /// Reads the text up to `\E`. Without it, everything is quoted.
    pub(super) fn read_quoted(&mut self) -> String {
        let rest = &self.pattern[self.offset..];
        let (quoted, length) = match rest.split_once(r"\E") {
            Some((quoted, _)) => (quoted, quoted.len() + 2),
            None => (rest, rest.len()),
        };
        self.offset += length;
        quoted.to_owned()
    }
}
