//! The difference between expected and found lines, for a person.

/// The largest table of the comparison: 8 MB. Longer documents are shown one after the other.
const CELLS_MAX: usize = 1_000_000;

/// The lines of both texts: with `-` those of `expected` alone, with `+` those of `found` alone,
/// with a space the common ones. For a single line, a third one marks the difference.
pub(super) fn diff_lines(expected: &[String], found: &[String]) -> Vec<String> {
    diff_lines_by(expected, found, &|expected, found| expected == found)
}

/// The same, with a function that decides which lines are common.
pub(super) fn diff_lines_by(
    expected: &[String],
    found: &[String],
    same: &dyn Fn(&str, &str) -> bool,
) -> Vec<String> {
    // Two single lines are always shown as a pair, however different they are.
    if let ([expected], [found]) = (expected, found) {
        let mut lines = vec![format!("- {expected}"), format!("+ {found}")];
        lines.extend(mark_difference(expected, found).map(|marks| format!("  {marks}")));
        return lines;
    }
    if expected.len() * found.len() > CELLS_MAX {
        let gone = expected.iter().map(|line| format!("- {line}"));
        return gone.chain(found.iter().map(|line| format!("+ {line}"))).collect();
    }
    let common = common_lengths(expected, found, same);
    let (mut e, mut f) = (0, 0);
    let mut lines = Vec::new();
    while e < expected.len() || f < found.len() {
        let here = expected.get(e).zip(found.get(f));
        if let Some((_, common)) = here.filter(|(expected, found)| same(expected, found)) {
            lines.push(format!("  {common}"));
            (e, f) = (e + 1, f + 1);
        } else if e < expected.len() && (f == found.len() || common[e + 1][f] >= common[e][f + 1]) {
            lines.push(format!("- {}", expected[e]));
            e += 1;
        } else {
            lines.push(format!("+ {}", found[f]));
            f += 1;
        }
    }
    lines
}

/// For each pair of positions, the number of common lines after them (the longest common
/// subsequence).
fn common_lengths(
    expected: &[String],
    found: &[String],
    same: &dyn Fn(&str, &str) -> bool,
) -> Vec<Vec<usize>> {
    let mut table = vec![vec![0; found.len() + 1]; expected.len() + 1];
    for e in (0..expected.len()).rev() {
        for f in (0..found.len()).rev() {
            table[e][f] = if same(&expected[e], &found[f]) {
                table[e + 1][f + 1] + 1
            } else {
                table[e + 1][f].max(table[e][f + 1])
            };
        }
    }
    table
}

/// Carets under the part of `found` that differs; `None` if that is more than half of it.
fn mark_difference(expected: &str, found: &str) -> Option<String> {
    let (expected, found): (Vec<char>, Vec<char>) =
        (expected.chars().collect(), found.chars().collect());
    let most = expected.len().min(found.len());
    let before = expected.iter().zip(&found).take_while(|(e, f)| e == f).count();
    let behind = expected.iter().rev().zip(found.iter().rev()).take_while(|(e, f)| e == f).count();
    // In `aa` and `aaa` the same letters count for both ends; they must not overlap.
    let behind = behind.min(most - before);
    let width = (found.len() - before - behind).max(1);
    (2 * (before + behind) >= most).then(|| " ".repeat(before) + &"^".repeat(width))
}

/// The similarity of two texts: the common words, in percent of the longer text.
pub(super) fn word_overlap(one: &str, other: &str) -> usize {
    let words =
        |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_lowercase).collect() };
    let (one, mut other) = (words(one), words(other));
    let most = one.len().max(other.len()).max(1);
    let shared = one.iter().filter(|word| {
        let at = other.iter().position(|other| other == *word);
        // Removed, so that a repeated word counts as often as both texts have it.
        at.map(|at| other.swap_remove(at)).is_some()
    });
    shared.count() * 100 / most
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn one_line_is_marked_where_it_differs() {
        let shown = diff_lines(&lines("Your plan is gold."), &lines("Your tariff is gold."));
        assert_eq!(shown, ["- Your plan is gold.", "+ Your tariff is gold.", "       ^^^^^^"]);
        assert_eq!(diff_lines(&lines("abc"), &lines("xyz")), ["- abc", "+ xyz"]);
    }

    #[test]
    fn several_lines_keep_what_they_share() {
        let shown = diff_lines(&lines("a\nb\nc\nd"), &lines("a\nc\nx\nd"));
        assert_eq!(shown, ["  a", "- b", "  c", "+ x", "  d"]);
        assert_eq!(diff_lines(&[], &lines("a\nb")), ["+ a", "+ b"]);
    }

    #[test]
    fn texts_are_alike_by_their_words() {
        assert_eq!(word_overlap("Your plan is gold.", "your tariff is gold."), 75);
        assert_eq!(word_overlap("", "a"), 0);
    }
}
