//! The difference between what was expected and what came, for a person.

/// The largest table that is worth its memory; nobody reads the difference of longer documents.
const CELLS_MAX: usize = 1_000_000;

/// The lines of both: those of `expected` alone with `-`, those of `found` alone with `+`, common
/// ones with a space. Where one line became another, a third marks where they differ.
pub(super) fn difference(expected: &[String], found: &[String]) -> Vec<String> {
    difference_by(expected, found, &|expected, found| expected == found)
}

/// The same where `same` says which lines are common.
pub(super) fn difference_by(
    expected: &[String],
    found: &[String],
    same: &dyn Fn(&str, &str) -> bool,
) -> Vec<String> {
    if let ([expected], [found]) = (expected, found) {
        let mut lines = vec![format!("- {expected}"), format!("+ {found}")];
        lines.extend(marks(expected, found).map(|marks| format!("  {marks}")));
        return lines;
    }
    if expected.len() * found.len() > CELLS_MAX {
        let gone = expected.iter().map(|line| format!("- {line}"));
        return gone.chain(found.iter().map(|line| format!("+ {line}"))).collect();
    }
    let longest = longest(expected, found, same);
    let (mut e, mut f) = (0, 0);
    let mut lines = Vec::new();
    while e < expected.len() || f < found.len() {
        let here = expected.get(e).zip(found.get(f));
        if let Some((_, common)) = here.filter(|(expected, found)| same(expected, found)) {
            lines.push(format!("  {common}"));
            (e, f) = (e + 1, f + 1);
        } else if e < expected.len() && (f == found.len() || longest[e + 1][f] >= longest[e][f + 1])
        {
            lines.push(format!("- {}", expected[e]));
            e += 1;
        } else {
            lines.push(format!("+ {}", found[f]));
            f += 1;
        }
    }
    lines
}

/// How many lines the ends from `e` and from `f` on have in common, in order.
fn longest(
    expected: &[String],
    found: &[String],
    same: &dyn Fn(&str, &str) -> bool,
) -> Vec<Vec<usize>> {
    let mut table = vec![vec![0; found.len() + 1]; expected.len() + 1];
    for e in (0..expected.len()).rev() {
        for f in (0..found.len()).rev() {
            table[e][f] = match same(&expected[e], &found[f]) {
                true => table[e + 1][f + 1] + 1,
                false => table[e + 1][f].max(table[e][f + 1]),
            };
        }
    }
    table
}

/// Carets under what of `found` is not in `expected`; `None` where that is nearly all of it.
fn marks(expected: &str, found: &str) -> Option<String> {
    let (expected, found): (Vec<char>, Vec<char>) =
        (expected.chars().collect(), found.chars().collect());
    let most = expected.len().min(found.len());
    let before = expected.iter().zip(&found).take_while(|(e, f)| e == f).count();
    let behind = expected.iter().rev().zip(found.iter().rev()).take_while(|(e, f)| e == f).count();
    let behind = behind.min(most - before);
    let width = (found.len() - before - behind).max(1);
    (2 * (before + behind) >= most).then(|| " ".repeat(before) + &"^".repeat(width))
}

/// How alike two texts are: the words that they share, in percent of the longer one's.
pub(super) fn likeness(one: &str, other: &str) -> usize {
    let words =
        |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_lowercase).collect() };
    let (one, mut other) = (words(one), words(other));
    let most = one.len().max(other.len()).max(1);
    let shared = one.iter().filter(|word| {
        let at = other.iter().position(|other| other == *word);
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
        let shown = difference(&lines("Your plan is gold."), &lines("Your tariff is gold."));
        assert_eq!(shown, ["- Your plan is gold.", "+ Your tariff is gold.", "       ^^^^^^"]);
        assert_eq!(difference(&lines("abc"), &lines("xyz")), ["- abc", "+ xyz"]);
    }

    #[test]
    fn several_lines_keep_what_they_share() {
        let shown = difference(&lines("a\nb\nc\nd"), &lines("a\nc\nx\nd"));
        assert_eq!(shown, ["  a", "- b", "  c", "+ x", "  d"]);
        assert_eq!(difference(&[], &lines("a\nb")), ["+ a", "+ b"]);
    }

    #[test]
    fn texts_are_alike_by_their_words() {
        assert_eq!(likeness("Your plan is gold.", "your tariff is gold."), 75);
        assert_eq!(likeness("", "a"), 0);
    }
}
