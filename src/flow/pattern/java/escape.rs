//! What a backslash begins.

use super::JavaReader;
use crate::flow::pattern::PatternError;
use crate::flow::pattern::java_properties::{HORIZONTAL_SPACE, VERTICAL_SPACE, find_property};

/// An escape that a class may contain.
pub(super) enum Escaped {
    /// One character.
    Char(char),
    /// A class, with its brackets.
    Class(String),
}

impl JavaReader<'_> {
    /// Translates an escape outside of a class. Its backslash has been read.
    pub(super) fn translate_escape(&mut self) -> Result<(), PatternError> {
        let start = self.offset - 1;
        match self.peek() {
            Some('Q') => {
                self.offset += 1;
                self.read_quoted().chars().for_each(|literal| self.push_literal(literal));
            }
            Some(digit @ '1'..='9') => {
                self.offset += 1;
                self.translate_back_reference(digit);
            }
            Some('k') => {
                self.offset += 1;
                if !self.take('<') {
                    return Err(self.error(start, "expected the name of a group, `\\k<name>`"));
                }
                let name = self.read_name()?;
                self.backtracks = true;
                self.push_atom(&format!("\\k<{name}>"));
            }
            Some(letter @ ('A' | 'G' | 'z' | 'Z' | 'b' | 'B')) => {
                self.offset += 1;
                if letter == 'b' && self.take_text("{g}") {
                    return Err(self.error(start, "`\\b{g}` is not supported"));
                }
                self.push_atom(match letter {
                    // A match begins at the beginning, because the whole text has to match.
                    'A' | 'G' => r"\A",
                    // The text has no line end behind it, because it is trimmed.
                    'z' | 'Z' => r"\z",
                    'b' => r"\b",
                    _ => r"\B",
                });
            }
            Some('R') => {
                self.offset += 1;
                self.push_atom(&format!(r"(?:\r\n|[{VERTICAL_SPACE}])"));
            }
            _ => match self.read_escape()? {
                Escaped::Char(literal) => self.push_literal(literal),
                Escaped::Class(class) => self.push_atom(&class),
            },
        }
        Ok(())
    }

    /// Translates a back reference by number, of which one digit has been read.
    fn translate_back_reference(&mut self, first: char) {
        let mut number = u32::from(first) - u32::from('0');
        // Further digits belong to it as long as there is such a group: `\11` is otherwise the
        // first group and a `1`.
        while let Some(digit) = self.peek().and_then(|next| next.to_digit(10)) {
            let longer = number * 10 + digit;
            if longer as usize > self.captures {
                break;
            }
            number = longer;
            self.offset += 1;
        }
        self.backtracks = true;
        // The group keeps the number apart from a digit that follows.
        self.push_atom(&format!("(?:\\{number})"));
    }

    /// Reads an escape that a class may contain too. Its backslash has been read.
    pub(super) fn read_escape(&mut self) -> Result<Escaped, PatternError> {
        let start = self.offset - 1;
        let Some(next) = self.next_char() else {
            return Err(self.error(start, "a backslash before the end; write `\\\\` for one"));
        };
        let unicode = self.flags.unicode_classes;
        let set = match next.to_ascii_lowercase() {
            'd' if unicode => r"\p{Nd}",
            'd' => "0-9",
            'w' if unicode => r"\w",
            'w' => "a-zA-Z0-9_",
            's' if unicode => r"\p{White_Space}",
            's' => r"\x20\t\n\x0b\f\r",
            'h' => HORIZONTAL_SPACE,
            'v' => VERTICAL_SPACE,
            'p' => return self.read_property(start, next == 'P'),
            _ => return self.read_char(start, next).map(Escaped::Char),
        };
        Ok(Escaped::Class(write_class(set, next.is_ascii_uppercase())))
    }

    /// Reads the name of `\p{NAME}` or `\pN`.
    fn read_property(&mut self, start: usize, is_negated: bool) -> Result<Escaped, PatternError> {
        let rest = &self.pattern[self.offset..];
        let name = if let Some(rest) = rest.strip_prefix('{') {
            let name = rest.split_once('}').map(|(name, _)| name);
            self.offset += name.map_or(0, |name| name.len() + 2);
            name
        } else {
            let letter = rest.chars().next().map(char::len_utf8);
            self.offset += letter.unwrap_or_default();
            letter.map(|length| &rest[..length])
        };
        let set = name.and_then(|name| find_property(name, self.flags.unicode_classes));
        match set {
            Some(set) => Ok(Escaped::Class(write_class(&set, is_negated))),
            None => Err(self.error(start, "no such class of characters is known")),
        }
    }

    /// Reads an escape that means one character. Its first letter has been read.
    fn read_char(&mut self, start: usize, letter: char) -> Result<char, PatternError> {
        let code = match letter {
            't' => Some(0x09),
            'n' => Some(0x0a),
            'r' => Some(0x0d),
            'f' => Some(0x0c),
            'a' => Some(0x07),
            'e' => Some(0x1b),
            // Java exchanges bit 6, so that `\cM` is a carriage return.
            'c' => self.next_char().map(|letter| u32::from(letter) ^ 0x40),
            '0' => self.read_octal(),
            'x' if self.take('{') => self.read_hex_in_braces(),
            'x' => self.read_hex(2),
            'u' => self.read_utf16(),
            _ if letter.is_ascii_alphanumeric() => {
                return Err(self.error(start, "Java has no such escape, or it is not supported"));
            }
            literal => Some(u32::from(literal)),
        };
        let read = code.and_then(char::from_u32);
        read.ok_or_else(|| self.error(start, "this escape is not a character"))
    }

    /// Reads the octal digits of `\0n`, `\0nn` or `\0mnn`, where `m` is at most 3.
    fn read_octal(&mut self) -> Option<u32> {
        let digits = self.pattern[self.offset..].bytes();
        let digits = digits.take_while(|byte| (b'0'..=b'7').contains(byte)).take(3).count();
        let text = &self.pattern[self.offset..self.offset + digits];
        let text = if text.len() == 3 && text.as_bytes()[0] > b'3' { &text[..2] } else { text };
        self.offset += text.len();
        u32::from_str_radix(text, 8).ok()
    }

    fn read_hex(&mut self, digits: usize) -> Option<u32> {
        let text = self.pattern.get(self.offset..self.offset + digits)?;
        // `from_str_radix` would accept a sign.
        if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.offset += digits;
        u32::from_str_radix(text, 16).ok()
    }

    fn read_hex_in_braces(&mut self) -> Option<u32> {
        let (digits, _) = self.pattern[self.offset..].split_once('}')?;
        if !(1..=6).contains(&digits.len()) {
            return None;
        }
        let code = self.read_hex(digits.len())?;
        self.offset += 1;
        Some(code)
    }

    /// Reads `\uHHHH`, or two of them that are the halves of one character.
    fn read_utf16(&mut self) -> Option<u32> {
        let first = self.read_hex(4)?;
        if !(0xd800..0xdc00).contains(&first) {
            return Some(first);
        }
        if !self.take_text("\\u") {
            return None;
        }
        let second = self.read_hex(4)?;
        let is_low = (0xdc00..0xe000).contains(&second);
        is_low.then(|| 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
    }
}

fn write_class(set: &str, is_negated: bool) -> String {
    format!("[{}{set}]", if is_negated { "^" } else { "" })
}
