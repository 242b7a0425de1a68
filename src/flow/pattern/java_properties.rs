//! The classes of characters that a Java pattern names: `\p{Alpha}`, `\p{javaLowerCase}`,
//! `\p{InGreek}`, `\h` and the like, as the content of a class of the engines.

/// `\h`, horizontal white space.
pub(super) const HORIZONTAL_SPACE: &str =
    r"\t \x{a0}\x{1680}\x{180e}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}";

/// `\v`, vertical white space.
pub(super) const VERTICAL_SPACE: &str = r"\n\x0b\f\r\x{85}\x{2028}\x{2029}";

/// The characters that `.` does not match.
pub(super) const LINE_ENDS: &str = r"\n\r\x{85}\x{2028}\x{2029}";

/// The POSIX classes: the name, the characters, and those with `(?U)`.
const POSIX: [(&str, &str, &str); 13] = [
    ("lower", "a-z", r"\p{Lowercase}"),
    ("upper", "A-Z", r"\p{Uppercase}"),
    ("ascii", r"\x00-\x7f", r"\x00-\x7f"),
    ("alpha", "a-zA-Z", r"\p{Alphabetic}"),
    ("digit", "0-9", r"\p{Nd}"),
    ("alnum", "a-zA-Z0-9", r"\p{Alphabetic}\p{Nd}"),
    ("punct", r"!-/:-@\[-`{-\x7e", r"\p{P}"),
    ("graph", r"!-\x7e", r"\p{L}\p{M}\p{N}\p{P}\p{S}\p{Cf}\p{Co}"),
    ("print", r"\x20-\x7e", r"\p{L}\p{M}\p{N}\p{P}\p{S}\p{Cf}\p{Co}\p{Zs}"),
    ("blank", r"\x20\t", r"\p{Zs}\t"),
    ("cntrl", r"\x00-\x1f\x7f", r"\p{Cc}"),
    ("xdigit", "0-9a-fA-F", r"\p{Nd}\p{Hex_Digit}"),
    ("space", r"\x20\t\n\x0b\f\r", r"\p{White_Space}"),
];

/// The tests of `java.lang.Character`, without `java`.
const CHARACTER_TESTS: [(&str, &str); 14] = [
    ("lowercase", r"\p{Lowercase}"),
    ("uppercase", r"\p{Uppercase}"),
    ("alphabetic", r"\p{Alphabetic}"),
    ("ideographic", r"\p{Ideographic}"),
    ("titlecase", r"\p{Lt}"),
    ("digit", r"\p{Nd}"),
    ("defined", r"\P{Cn}"),
    ("letter", r"\p{L}"),
    ("letterordigit", r"\p{L}\p{Nd}"),
    ("spacechar", r"\p{Z}"),
    // Without the no-break spaces, which Java does not count.
    (
        "whitespace",
        concat!(
            r"\t-\r\x1c-\x20\x{1680}\x{2000}-\x{2006}\x{2008}-\x{200a}",
            r"\x{2028}\x{2029}\x{205f}\x{3000}"
        ),
    ),
    ("isocontrol", r"\x00-\x1f\x7f-\x{9f}"),
    ("unicodeidentifierstart", r"\p{ID_Start}"),
    ("unicodeidentifierpart", r"\p{ID_Continue}\p{Cf}"),
];

/// The blocks that patterns for people's messages name. The engines know no blocks, only scripts.
const BLOCKS: [(&str, &str); 20] = [
    ("basiclatin", r"\x00-\x7f"),
    ("latin1supplement", r"\x{80}-\x{ff}"),
    ("latinextendeda", r"\x{100}-\x{17f}"),
    ("latinextendedb", r"\x{180}-\x{24f}"),
    ("greek", r"\x{370}-\x{3ff}"),
    ("greekandcoptic", r"\x{370}-\x{3ff}"),
    ("cyrillic", r"\x{400}-\x{4ff}"),
    ("armenian", r"\x{530}-\x{58f}"),
    ("hebrew", r"\x{590}-\x{5ff}"),
    ("arabic", r"\x{600}-\x{6ff}"),
    ("devanagari", r"\x{900}-\x{97f}"),
    ("thai", r"\x{e00}-\x{e7f}"),
    ("generalpunctuation", r"\x{2000}-\x{206f}"),
    ("cjksymbolsandpunctuation", r"\x{3000}-\x{303f}"),
    ("hiragana", r"\x{3040}-\x{309f}"),
    ("katakana", r"\x{30a0}-\x{30ff}"),
    ("cjkunifiedideographs", r"\x{4e00}-\x{9fff}"),
    ("hangulsyllables", r"\x{ac00}-\x{d7af}"),
    ("halfwidthandfullwidthforms", r"\x{ff00}-\x{ffef}"),
    ("emoticons", r"\x{1f600}-\x{1f64f}"),
];

/// The content of a class for the name in `\p{NAME}`; `None` if the name has a form that Java does
/// not have. A name of Unicode is passed on: the engines know which exist.
pub(super) fn find_property(name: &str, unicode_classes: bool) -> Option<String> {
    let compared = |name: &str| name.to_ascii_lowercase().replace([' ', '_', '-'], "");
    let find = |table: &[(&str, &str)], name: &str| {
        let wanted = compared(name);
        table.iter().find(|(known, _)| *known == wanted).map(|(_, set)| (*set).to_owned())
    };
    // The pattern is put together from the name: nothing else may come in with it.
    let is_name = |name: &str| {
        !name.is_empty()
            && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_ -".contains(letter))
    };
    if let Some((key, value)) = name.split_once('=') {
        if !is_name(value) {
            return None;
        }
        return match compared(key).as_str() {
            "block" | "blk" => find(&BLOCKS, value),
            "script" | "sc" => Some(format!(r"\p{{sc={value}}}")),
            "generalcategory" | "gc" => Some(format!(r"\p{{gc={value}}}")),
            _ => None,
        };
    }
    if !is_name(name) {
        return None;
    }
    let lower = name.to_ascii_lowercase();
    if let Some((_, ascii, unicode)) = POSIX.iter().find(|(known, ..)| *known == lower) {
        return Some((if unicode_classes { *unicode } else { *ascii }).to_owned());
    }
    if let Some(test) = name.strip_prefix("java") {
        return find(&CHARACTER_TESTS, test);
    }
    if let Some(block) = name.strip_prefix("In") {
        return find(&BLOCKS, block);
    }
    match name {
        "all" => Some(r"\x00-\x{10ffff}".to_owned()),
        "L1" => Some(r"\x00-\x{ff}".to_owned()),
        // Scripts, binary properties and categories. The engines ignore `Is`, too.
        _ => Some(format!(r"\p{{{name}}}")),
    }
}
