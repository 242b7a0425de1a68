//! The width of texts, without a font: the picture is drawn by a browser with fonts of its own.

use unicode_width::UnicodeWidthChar as _;

use crate::diagnostics::shorten::collapse_whitespace;

/// The advance of the printable ASCII characters, from space on, in hundredths of the font size.
/// They are those of DejaVu Sans, which is wider than the fonts of other systems: a text that fits
/// with it fits with them.
#[rustfmt::skip]
const ADVANCES: [u8; 95] = [
    32, 40, 46, 84, 64, 95, 78, 27, 39, 39, 50, 84, 32, 36, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 34, 34, 84, 84, 84, 53, 100, 68, 69, 70, 77, 63, 58, 77, 75, 29, 29, 66, 56, 86, 75, 79,
    60, 79, 69, 63, 61, 73, 68, 99, 68, 61, 68, 39, 34, 39, 84, 50, 50, 61, 63, 55, 63, 62, 35, 63,
    63, 28, 28, 58, 28, 97, 63, 61, 63, 63, 41, 52, 39, 63, 59, 82, 59, 59, 52, 64, 34, 64, 84,
];
/// The advance of another character, by the columns that a terminal gives it.
const OTHER_ADVANCES: [f64; 3] = [0.0, 0.84, 1.1];
/// How much wider a bold text is.
const BOLD: f64 = 1.13;

/// The font of a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Font {
    /// The size in pixels.
    pub(super) size: f64,
    /// Whether the text is bold.
    pub(super) is_bold: bool,
}

impl Font {
    /// The width of a text in pixels.
    pub(super) fn width(self, text: &str) -> f64 {
        text.chars().map(|letter| self.advance(letter)).sum()
    }

    /// The text in at most `most` pixels; the end of a longer one is an ellipsis.
    pub(super) fn shorten(self, text: &str, most: f64) -> String {
        let ellipsis = self.advance('…');
        let mut width = 0.0;
        let mut end_before_ellipsis = 0;
        for (at, letter) in text.char_indices() {
            if width + ellipsis <= most {
                end_before_ellipsis = at;
            }
            width += self.advance(letter);
            if width > most {
                return format!("{}…", text[..end_before_ellipsis].trim_end());
            }
        }
        text.to_owned()
    }

    fn advance(self, letter: char) -> f64 {
        let index = (letter as usize).checked_sub(usize::from(b' '));
        let of_size = match index.and_then(|index| ADVANCES.get(index)) {
            Some(hundredths) => f64::from(*hundredths) / 100.0,
            None => OTHER_ADVANCES[letter.width().unwrap_or(1).min(2)],
        };
        of_size * self.size * if self.is_bold { BOLD } else { 1.0 }
    }
}

/// The text in one line, with U+FFFD for each character that XML does not have.
pub(super) fn to_line(text: &str) -> String {
    let is_missing =
        |letter: char| letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}');
    collapse_whitespace(text).replace(is_missing, "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortened_text_fits() {
        let font = Font { size: 10.0, is_bold: false };
        assert_eq!(font.shorten("menu", 100.0), "menu");
        for most in 10..80 {
            let most = f64::from(most);
            for text in [
                "iiiiiiiiiiiiiiiiiiiiiiiii",
                "WWWWWWWWWWW",
                "日本語日本語日本語",
                "a b c d e f g h i",
            ] {
                let short = font.shorten(text, most);
                assert!(font.width(&short) <= most, "{short} in {most}");
            }
        }
    }

    #[test]
    fn a_line_has_the_characters_of_xml() {
        assert_eq!(to_line(" a\n\tb\u{0}c \u{ffff}"), "a b\u{fffd}c \u{fffd}");
    }
}
