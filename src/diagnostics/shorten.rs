//! Text that has to fit: one line of a message, one column of a table.

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
}
