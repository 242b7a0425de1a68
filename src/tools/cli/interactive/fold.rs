//! Text in columns of a terminal.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Columns that a text takes.
pub(super) fn columns(text: &str) -> usize {
    text.width()
}

/// Lines of at most `most` columns, folded at spaces where there are any.
pub(super) fn fold(text: &str, most: usize) -> Vec<String> {
    let most = most.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut taken = 0;
    for letter in text.chars() {
        let width = letter.width().unwrap_or_default();
        if taken + width > most {
            let space = line.rfind(' ').filter(|at| !line[..*at].trim().is_empty());
            let rest = match space {
                // A space that would begin the next line is not missed.
                _ if letter == ' ' => String::new(),
                Some(at) => line.split_off(at).trim_start().to_owned(),
                None => String::new(),
            };
            lines.push(line.trim_end().to_owned());
            taken = columns(&rest);
            line = rest;
            if letter == ' ' && line.is_empty() {
                continue;
            }
        }
        line.push(letter);
        taken += width;
    }
    lines.push(line.trim_end().to_owned());
    lines
}

/// A text that may not do anything to a terminal: control characters are shown as what they are.
pub(super) fn tame(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_folded_at_spaces() {
        assert_eq!(fold("one two three", 7), ["one two", "three"]);
        assert_eq!(fold("one two three", 8), ["one two", "three"]);
        assert_eq!(fold("onetwothree", 4), ["onet", "woth", "ree"]);
        assert_eq!(fold("", 4), [""]);
        assert_eq!(fold("日本語", 4), ["日本", "語"]);
        assert_eq!(fold("日", 1), ["", "日"]);
    }

    #[test]
    fn nothing_reaches_a_terminal_that_steers_it() {
        assert_eq!(tame("a\x1b[2Jb\u{9b}c\td"), "a�[2Jb�c�d");
    }
}
