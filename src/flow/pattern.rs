//! The patterns of `regex` conditions, which are Java's regular expressions.
//!
//! `java` reads a pattern as Java does and writes it in the syntax of the engines, and
//! `java_properties` has the classes that Java names. Most patterns run on an engine with linear
//! time; one with look-around, back references, atomic groups or possessive quantifiers runs on a
//! backtracking engine with a limit of steps. Invariant: no text, of a flow or of a caller, makes a
//! pattern panic, or take more time and memory than [`limits`](crate::limits) says. No message
//! quotes the pattern or the text, which may be a caller's data.

mod java;
mod java_properties;

use std::ops::Range;

use crate::catch_panic::catch;
use crate::limits::{
    PATTERN_BYTES_MAX, PATTERN_INSTRUCTIONS_MAX, PATTERN_STEPS_MAX, STRING_BYTES_MAX,
};

/// A compiled pattern. It matches a whole text, and ignores the case of letters.
#[derive(Debug)]
pub struct Pattern(Engine);

#[derive(Debug)]
enum Engine {
    Linear(regex::Regex),
    // Larger than the other, and rare.
    Backtracking(Box<fancy_regex::Regex>),
}

/// The reason why a text is not a pattern, or why a pattern has no result.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct PatternError {
    /// The reason, which quotes nothing.
    pub reason: String,
    /// The bytes of the pattern that the reason is about; none if it is about the text.
    pub place: Range<usize>,
}

impl Pattern {
    /// Compiles a pattern of Java's syntax.
    ///
    /// # Errors
    /// If Java would refuse the pattern, if neither engine supports a part of it, or if it is too
    /// large.
    pub(crate) fn compile(pattern: &str) -> Result<Pattern, PatternError> {
        let translated = java::translate(pattern)?;
        let fail = |reason: String| PatternError { reason, place: 0..pattern.len() };
        // The group keeps an alternation (`a|b`) between the two anchors.
        let anchored = format!(r"\A(?:{})\z", translated.text);
        let engine = if translated.backtracks {
            // This engine is young: a panic in it must not become that of a turn.
            catch(|| build_backtracking(&anchored))
                .unwrap_or_else(|_| Err("the engine does not support it".to_owned()))
                .map(|regex| Engine::Backtracking(Box::new(regex)))
        } else {
            build_linear(&anchored).map(Engine::Linear)
        };
        Ok(Pattern(engine.map_err(fail)?))
    }

    /// Whether the pattern matches the whole text.
    ///
    /// # Errors
    /// If a backtracking pattern takes more than [`PATTERN_STEPS_MAX`] steps, or the text has more
    /// than [`STRING_BYTES_MAX`] bytes.
    pub(crate) fn matches(&self, text: &str) -> Result<bool, PatternError> {
        let regex = match &self.0 {
            Engine::Linear(regex) => return Ok(regex.is_match(text)),
            Engine::Backtracking(regex) => regex,
        };
        let fail = |reason| PatternError { reason, place: 0..0 };
        // A step may search the rest of the text, so the steps alone do not limit the time.
        if text.len() > STRING_BYTES_MAX {
            return Err(fail(format!("the text has more than {STRING_BYTES_MAX} bytes")));
        }
        match catch(|| regex.is_match(text)) {
            Ok(Ok(matches)) => Ok(matches),
            Ok(Err(_)) | Err(_) => {
                Err(fail(format!("it takes more than {PATTERN_STEPS_MAX} steps for this text")))
            }
        }
    }
}

fn build_linear(pattern: &str) -> Result<regex::Regex, String> {
    regex::RegexBuilder::new(pattern)
        .case_insensitive(true)
        // A pattern may come from Liquid, so from a caller: it must not take memory at will.
        .size_limit(PATTERN_BYTES_MAX)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => describe_too_large(),
            error => last_line(&error),
        })
}

fn build_backtracking(pattern: &str) -> Result<fancy_regex::Regex, String> {
    use fancy_regex::{CompileError, Error, ParseError, RegexBuilder};

    let built = RegexBuilder::new(pattern)
        .case_insensitive(true)
        .backtrack_limit(PATTERN_STEPS_MAX)
        .max_prog_size(PATTERN_INSTRUCTIONS_MAX)
        .delegate_size_limit(PATTERN_BYTES_MAX)
        // Both speed up searches in long texts. Without them there is less that can be wrong.
        .optimize(false)
        .seek(false)
        .build();
    built.map_err(|error| match error {
        Error::ParseError(
            _,
            ParseError::InvalidBackref | ParseError::InvalidGroupNameBackref(_),
        ) => "a back reference to a group that does not exist".to_owned(),
        Error::ParseError(_, ParseError::RecursionExceeded) => "too many nested groups".to_owned(),
        Error::ParseError(_, ParseError::TargetNotRepeatable) => {
            "a repetition of something without a length, which is not supported".to_owned()
        }
        Error::CompileError(error) => match *error {
            CompileError::InvalidBackref(_) | CompileError::InvalidGroupNameBackref(_) => {
                "a back reference to a group that does not exist".to_owned()
            }
            CompileError::LookBehindNotConst
            | CompileError::VariableLookBehindRequiresFeature
            | CompileError::DfaBuildError(..) => {
                "a look-behind of any length, which is not supported".to_owned()
            }
            CompileError::PatternTooComplex => describe_too_large(),
            CompileError::InnerError(error) => {
                error.syntax_error().map_or_else(describe_too_large, last_line)
            }
            _ => "the engine does not support it".to_owned(),
        },
        _ => "the engine does not support it".to_owned(),
    })
}

/// The reason of a syntax error: the lines before the last draw the pattern with a marker.
fn last_line(error: &impl ToString) -> String {
    let text = error.to_string();
    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

fn describe_too_large() -> String {
    format!("it takes more than {PATTERN_BYTES_MAX} bytes, or too many instructions, when compiled")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        let compiled =
            Pattern::compile(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
        compiled.matches(text).unwrap_or_else(|error| panic!("{pattern}: {error}"))
    }

    /// Checks that each pattern matches its first text, and not the second.
    fn check_patterns(cases: &[(&str, &str, &str)]) {
        for (pattern, yes, no) in cases {
            assert!(matches(pattern, yes), "{pattern} matches {yes:?}");
            assert!(!matches(pattern, no), "{pattern} does not match {no:?}");
        }
    }

    #[test]
    fn groups_and_quantifiers_are_those_of_java() {
        check_patterns(&[
            // The whole text, in any case of letters.
            (r"[a-z]+\d+", "ABC12", "ABC12!"),
            ("a|b", "B", "xb"),
            ("", "", "a"),
            ("ä", "Ä", "a"),
            // Look-around.
            (r"(?=.*\d)(?=.*[a-z]).{4,}", "abc1", "abcd"),
            (r"(?!stop).*", "go", "stop it"),
            (r"\w+(?<=ing)", "ringing", "ringed"),
            (r".*(?<!a)b", "cb", "ab"),
            (r".*(?<=a{1,3}b)c", "xaabc", "xbc"),
            // Back references, also with more digits than there are groups.
            (r"(\d)\1", "77", "78"),
            (r"(a)\11", "aa1", "aa"),
            (r"(?<first>[a-z])\k<first>", "aA", "ab"),
            (r"(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)\10", "abcdefghijj", "abcdefghija0"),
            // Groups and quantifiers that give nothing back.
            ("(?>a|ab)c", "ac", "abc"),
            ("a++b", "aab", "ab?"),
            ("a{1,2}+b", "aab", "aaab"),
            ("(?:ab|a)?+b", "abb", "ab"),
            (r#""[^"]*+""#, r#""a""#, r#""a"#),
            ("a*?b", "aab", "aac"),
            // Quoted text.
            (r"\Qa.b(\E\d", "a.b(1", "axb(1"),
            (r"\Q1+1", "1+1", "11"),
            (r"[\Q^]\E]+", "^]", r"\"),
            (r"x\Qy\E+", "xyyy", "xyxy"),
        ]);
    }

    #[test]
    fn named_classes_and_positions_are_those_of_java() {
        check_patterns(&[
            // Classes that Java names: ASCII alone.
            (r"\p{Alpha}+", "Zoe", "Zoé"),
            (r"\p{Alnum}\p{Punct}", "1!", "1a"),
            (r"\p{IsAlphabetic}+", "Zoé", "Zo3"),
            (r"\P{L}+", "123", "12a"),
            (r"\pL\PL", "é1", "1é"),
            (r"\p{javaLowerCase}\p{javaWhitespace}", "é ", "1 "),
            (r"\p{InGreek}+\p{IsCyrillic}", "αж", "aж"),
            (r"\p{sc=Han}\p{block=Hiragana}", "漢あ", "あ漢"),
            (r"[\p{Lower}&&[^aeiou]]+", "xyz", "xaz"),
            (r"\w+", "Zoe_1", "Zoé"),
            (r"\d{3}", "123", "١٢٣"),
            (r"(?U)\w+", "Zoé", "Zo é"),
            (r"(?U:\d)\d", "١1", "1١"),
            (r"\h+a", "\u{a0}\ta", "fa"),
            (r"a\Hb", "a-b", "a b"),
            (r"a\vb", "a\nb", "a b"),
            (r"a\Rb", "a\r\nb", "a b"),
            (r"[\h\v]+a", " \na", "xa"),
            (r"\D\S\W", "a- ", "1- "),
            // Positions.
            (r"\A\d+\Z", "12", "1a"),
            (r"^\d+$", "12", "a12"),
            (r"\Gyes\z", "yes", "yes!"),
            (r"\byes\b.*", "yes, please", "yesterday"),
            // Ends of lines.
            ("a.b", "a b", "a\nb"),
            ("(?s)a.b", "a\nb", "ab"),
            ("(?s:a.)b.", "a\nbc", "a\nb\n"),
            ("(?d)a.b", "a\rb", "a\nb"),
            ("(?m)^a$\nb", "a\nb", "a b"),
        ]);
    }

    #[test]
    fn flags_characters_and_classes_are_those_of_java() {
        check_patterns(&[
            // White space and comments.
            ("(?x) a b # a comment ( [\n c", "abc", "a b c"),
            (r"(?x)[a\ ]\#", " #", "a"),
            ("(?x:a b) c", "ab c", "abc"),
            // The case of letters.
            ("(?-i)a", "a", "A"),
            ("(?-i:a)b", "aB", "AB"),
            ("(?iu)a", "A", "b"),
            // Characters.
            (r"\x41\x{1F600}\u00e9\t", "A😀é\t", "A"),
            (r"\ud83d\ude00", "😀", "?"),
            (r"\0101\cM\e", "A\r\u{1b}", "A"),
            (r"\+\-\/\<\>\&\é\_", "+-/<>&é_", "+"),
            (r"a}]", "a}]", "a"),
            // Classes.
            ("[]a]+", "]a", "["),
            ("[^]a]+", "b", "]"),
            ("[a-c[x-z]]+", "ay", "d"),
            ("[a-z&&[def]]", "e", "a"),
            ("[a-z&&[^bc]]", "a", "b"),
            ("[a-z&&def]", "f", "g"),
            ("[+--]+", "+,-", "."),
            ("[a-]", "-", "b"),
            ("[a-[b]]+", "ab-", "c"),
            ("[&a]+", "&a", "b"),
            ("[[:alpha:]]", "p", "b"),
            (r"[\d-x]+", "1-x", "y"),
            (r"[^\W\d]+", "ab", "a1"),
            (r"[\^:-]+", "^:-", "a"),
            ("(?>[[:alpha:]])", "p", "b"),
        ]);
    }

    #[test]
    fn what_java_refuses_is_an_error_with_its_place() {
        for (pattern, part, reason) in [
            ("a(b", "(b", "this group is not closed"),
            ("a)b", ")", "no group is open"),
            ("a[b", "[b", "this class is not closed"),
            (r"a\", r"\", "a backslash before the end"),
            (r"a\yb", r"\y", "no such escape"),
            (r"[\B]", r"\B", "no such escape"),
            (r"a\Kb", r"\K", "no such escape"),
            (r"\xg1", r"\x", "not a character"),
            (r"\ud83dx", r"\ud83d", "not a character"),
            (r"\x{110000}", r"\x{110000}", "not a character"),
            ("*a", "*", "nothing before it"),
            ("a**", "*", "nothing before it"),
            ("(|+)", "+", "nothing before it"),
            ("a{,3}", "{", "not `{N}`"),
            ("a{x}", "{", "not `{N}`"),
            ("(?P<n>a)", "P", "no such group or flag"),
            ("(?<1>a)", "", "not the name of a group"),
            (r"\k1", r"\k", "expected the name of a group"),
            ("[z-a]", "z-a", "ends before it begins"),
            (r"[a-\d]", r"a-\d", "cannot be the end of a range"),
            (r"\p{javaMirrored}", r"\p{javaMirrored}", "no such class"),
            (r"\p{Alpha", r"\p", "no such class"),
            (r"\p{a)}", r"\p{a)}", "no such class"),
            // These are the engines' own.
            (r"\p{Nonsense}", r"\p{Nonsense}", "property not found"),
            (r"(?!a)\p{Nonsense}", r"(?!a)\p{Nonsense}", "property not found"),
            ("a{3,1}", "a{3,1}", "repetition"),
            (r"(a)\2", r"(a)\2", "does not exist"),
            (r"\k<none>", r"\k<none>", "does not exist"),
        ] {
            let error = Pattern::compile(pattern).expect_err(pattern);
            assert!(error.reason.contains(reason), "{pattern}: {error}");
            // `*` and the like are in these patterns twice.
            assert_eq!(&pattern[error.place.clone()], part, "{pattern}: {error}");
        }
    }

    #[test]
    fn no_pattern_takes_memory_or_time_at_will() {
        for pattern in [
            "(?:a{1000}){1000}".to_owned(),
            "(?:(?=a)a{1000}){1000}".to_owned(),
            "(?:(?:(?:(?=a)a){1000}){1000}){1000}".to_owned(),
            "a{999999999}".to_owned(),
            "(?=a{999999999})".to_owned(),
            format!("{}{}", "(".repeat(50_000), ")".repeat(50_000)),
            "[".repeat(50_000),
            format!("(?=b){}{}", "(".repeat(59), ")".repeat(59)),
            format!("(?=b){}", "(a|".repeat(59)),
            r"\p{".repeat(5_000),
        ] {
            // Any result, but soon, and no panic.
            let _ = Pattern::compile(&pattern).map(|compiled| compiled.matches("aaaa"));
        }
        for pattern in [r"(a*)*\1b", r"(?=(a+)+$)(a+)+\1c", r"(a|aa)+\1b"] {
            let compiled = Pattern::compile(pattern).expect("a pattern");
            let error = compiled.matches(&"a".repeat(5_000)).expect_err(pattern);
            assert!(error.reason.contains("steps"), "{pattern}: {error}");
            let error = compiled.matches(&"a".repeat(20_000)).expect_err(pattern);
            assert!(error.reason.contains("bytes"), "{pattern}: {error}");
        }
    }

    #[test]
    fn no_text_makes_a_pattern_panic() {
        // Every text of two of these, which begin and end everything that patterns have.
        let parts = [
            "(", ")", "[", "]", "{", "}", "?", "*", "+", "\\", "^", "$", "|", "-", "&&", "<", ">",
            "=", "!", ":", ",", "#", "a", "1", "x", "Q", "E", "p", "k", "u", "0", "é", " ",
        ];
        for first in parts {
            for second in parts {
                for (before, after) in [("", ""), ("(", ")"), ("[a", "]"), ("(?=a)\\", "+")] {
                    let text = format!("{before}{first}{second}{after}");
                    if let Ok(compiled) = Pattern::compile(&text) {
                        let _ = compiled.matches("a1é");
                    }
                }
            }
        }
    }
}
