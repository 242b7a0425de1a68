//! "Did you mean …?": the known name that a mistyped one was probably meant to be.

use strsim::osa_distance;

/// Longer names are not compared: the comparison takes the product of both lengths, and the names
/// may come from a function's answer.
const BYTES_MAX: usize = 64;

/// The known name that is most like `typed`, without regard to case. `None` where more than a third
/// of the letters differ, so that no name is suggested that has nothing to do with it.
///
/// An edit is a letter added, dropped or changed, or two neighbours that changed places.
pub(crate) fn nearest_name<'n>(
    typed: &str,
    known: impl IntoIterator<Item = &'n str>,
) -> Option<&'n str> {
    let folded = comparable(typed)?;
    let edits_to = |name: &'n str| {
        let other = comparable(name)?;
        let length = other.chars().count();
        // One edit is allowed even in a short name, but no name is all edits.
        let most = (length.max(folded.chars().count()) / 3).max(1);
        let edits = osa_distance(&folded, &other);
        (edits <= most && edits < length).then_some((edits, name))
    };
    // Of equally near names the alphabetically first: some callers have them in no order.
    known.into_iter().filter_map(edits_to).min().map(|(_, name)| name)
}

/// The nearest name as a question, for the help of a problem.
pub(crate) fn did_you_mean<'n>(
    typed: &str,
    known: impl IntoIterator<Item = &'n str>,
) -> Option<String> {
    nearest_name(typed, known).map(|name| format!("did you mean `{name}`?"))
}

/// A name as it is compared; `None` for one that is too long.
fn comparable(name: &str) -> Option<String> {
    (name.len() <= BYTES_MAX).then(|| name.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_only_what_is_near() {
        let known = ["timeout_ms", "method", "url", "Gather", "Dial", "say-as"];
        for (typed, expected) in [
            ("timout_ms", Some("timeout_ms")),
            ("URL", Some("url")),
            ("gather", Some("Gather")),
            ("Gahter", Some("Gather")),
            ("Dail", Some("Dial")),
            ("SayAs", Some("say-as")),
            ("colour", None),
            ("Frobnicate", None),
            ("", None),
        ] {
            assert_eq!(nearest_name(typed, known), expected, "{typed}");
        }
        assert_eq!(nearest_name("b", ["a", "c"]), None, "a name is not all edits");
        assert_eq!(nearest_name(&"url".repeat(100), known), None, "too long to compare");
        assert_eq!(did_you_mean("urk", known).as_deref(), Some("did you mean `url`?"));
    }
}
