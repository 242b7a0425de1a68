//! Text that has to fit: one line of a message, one column of a table.

/// The shortest run of digits that may be a telephone number.
const NUMBER_DIGITS_MIN: usize = 7;

/// Replaces each run of white space by a single space, and removes it at both ends.
pub(crate) fn collapse_whitespace(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text in at most `most` characters; the end of a longer one is an ellipsis.
pub(crate) fn shorten(text: &str, most: usize) -> String {
    if text.chars().nth(most).is_none() {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// The text in at most `most` characters; the middle of a longer one is an ellipsis, for names
/// that begin alike and differ at their end.
pub(crate) fn shorten_middle(text: &str, most: usize) -> String {
    let most = most.max(1);
    let characters: Vec<char> = text.chars().collect();
    if characters.len() <= most {
        return text.to_owned();
    }
    let behind = (most - 1) / 2;
    let (start, end) = (&characters[..most - 1 - behind], &characters[characters.len() - behind..]);
    start.iter().chain(&['…']).chain(end).collect()
}

/// The text without what may be a telephone number: of a long run of digits only the last two.
pub(crate) fn mask_numbers(text: &str) -> String {
    let mut shortened = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let length = rest[start..].find(|c: char| !c.is_ascii_digit());
        let end = start + length.unwrap_or(rest.len() - start);
        shortened.push_str(&rest[..start]);
        // Error codes and columns have fewer digits than a telephone number.
        match &rest[start..end] {
            digits if digits.len() < NUMBER_DIGITS_MIN => shortened.push_str(digits),
            digits => shortened.extend(["…", &digits[digits.len() - 2..]]),
        }
        rest = &rest[end..];
    }
    shortened.push_str(rest);
    shortened
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_lose_their_end_or_their_middle() {
        assert_eq!(shorten("0123456789", 10), "0123456789");
        assert_eq!(shorten("0123456789", 5), "0123…");
        assert_eq!(shorten("äöü", 2), "ä…");
        assert_eq!(shorten("0123456789", 0), "…");
        assert_eq!(shorten_middle("0123456789", 10), "0123456789");
        assert_eq!(shorten_middle("0123456789", 5), "01…89");
        assert_eq!(shorten_middle("0123456789", 0), "…");
    }

    #[test]
    fn numbers_are_masked() {
        let text = "1:12: `+15550100` is no colour (Twilio 14110)";
        assert_eq!(mask_numbers(text), "1:12: `+…00` is no colour (Twilio 14110)");
        assert_eq!(mask_numbers("é 123456 1234567"), "é 123456 …67");
    }
}
