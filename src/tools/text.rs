//! Text for terminals and reports: white space, control characters, columns, colours.
//!
//! Invariant: a text of an application reaches a terminal only through
//! [`replace_control_chars`], so that it cannot move the cursor or change colours.

pub(super) use crate::diagnostics::shorten::collapse_whitespace;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Whether a text gets colours: terminals do, pipes and files do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TextColours(pub(super) bool);

/// SGR parameters of a terminal.
pub(super) const BOLD: &str = "1";
pub(super) const DIM: &str = "2";
pub(super) const RED: &str = "31";
pub(super) const GREEN: &str = "32";
pub(super) const YELLOW: &str = "33";
pub(super) const CYAN: &str = "36";

// === impl TextColours ===

impl TextColours {
    /// Adds a colour to a text; an empty `colour` adds none.
    pub(super) fn paint(self, colour: &str, text: &str) -> String {
        if self.0 && !colour.is_empty() {
            format!("\x1b[{colour}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Replaces control characters by U+FFFD. Those of a text of several lines that end a line stay
/// only with [`replace_control_chars_in_lines`].
pub(super) fn replace_control_chars(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

/// Replaces control characters by U+FFFD, except for line ends.
pub(super) fn replace_control_chars_in_lines(text: &str) -> String {
    let replace = |letter: char| letter.is_control() && letter != '\n';
    text.chars().map(|letter| if replace(letter) { '\u{fffd}' } else { letter }).collect()
}

/// The number of terminal columns of a text.
pub(super) fn columns(text: &str) -> usize {
    text.width()
}

/// Folds a text into lines of at most `most` columns, at spaces if there are any.
pub(super) fn fold(text: &str, most: usize) -> Vec<String> {
    let most = most.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for letter in text.chars() {
        let width = letter.width().unwrap_or_default();
        if used + width > most {
            // A space in the indentation is no place to fold.
            let space = line.rfind(' ').filter(|at| !line[..*at].trim().is_empty());
            let rest = match space {
                // The line ends at this space, so no word has to move to the next one.
                _ if letter == ' ' => String::new(),
                Some(at) => line.split_off(at).trim_start().to_owned(),
                None => String::new(),
            };
            lines.push(line.trim_end().to_owned());
            used = columns(&rest);
            line = rest;
            if letter == ' ' && line.is_empty() {
                continue;
            }
        }
        line.push(letter);
        used += width;
    }
    lines.push(line.trim_end().to_owned());
    lines
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
    fn control_characters_do_not_reach_a_terminal() {
        assert_eq!(replace_control_chars("a\x1b[2Jb\u{9b}c\td"), "a�[2Jb�c�d");
        assert_eq!(replace_control_chars_in_lines("a\x1b\nb"), "a�\nb");
    }
}
