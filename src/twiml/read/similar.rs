//! "Did you mean …?": the known word that is nearest to a mistyped one.

/// Words longer than this are not compared: no name of TwiML is.
const BYTES_MAX: usize = 64;

/// The word that differs from `wrong` in its case only, or else in few letters.
pub(super) fn closest(
    wrong: &str,
    words: impl Iterator<Item = &'static str> + Clone,
) -> Option<&'static str> {
    if wrong.len() > BYTES_MAX {
        return None;
    }
    let same = words.clone().find(|word| word.eq_ignore_ascii_case(wrong));
    same.or_else(|| {
        let far = (wrong.len() / 3).clamp(1, 3);
        words
            .map(|word| (distance(wrong.as_bytes(), word.as_bytes()), word))
            .filter(|(letters, word)| *letters <= far && *letters < word.len())
            .min_by_key(|(letters, _)| *letters)
            .map(|(_, word)| word)
    })
}

/// How many letters must be added, taken away or changed to make one word the other (Levenshtein);
/// the case of a letter does not count.
fn distance(left: &[u8], right: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, letter) in left.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, other) in right.iter().enumerate() {
            let changed = diagonal + usize::from(!letter.eq_ignore_ascii_case(other));
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_nearest() {
        let verbs = ["Say", "Gather", "Play", "Pause", "say-as"].into_iter();
        assert_eq!(closest("gather", verbs.clone()), Some("Gather"));
        assert_eq!(closest("Gahter", verbs.clone()), Some("Gather"));
        assert_eq!(closest("SayAs", verbs.clone()), Some("say-as"));
        assert_eq!(closest("Frobnicate", verbs.clone()), None);
        assert_eq!(closest(&"Say".repeat(100), verbs), None);
    }
}
