//! The 17 conditions of `split-based-on`, with Studio's rules of comparison.
//!
//! A comparison ignores white space at both ends and the case of letters. Both sides may be Liquid.
//! Only numbers, dates (`YYYY-MM-DD`) and times (`HH:MM`) have an order: for any other text,
//! `less_than`, `is_before_date` and the like are false.

use jiff::civil::{Date, Time};

use super::pattern::{Pattern, PatternError};
use crate::liquid::Template;

/// One condition of a transition.
#[derive(Debug)]
pub struct Condition {
    /// The text to compare; `None` for the widget's `input`.
    pub argument: Option<Template>,
    /// The comparison.
    pub test: ConditionType,
    /// The text to compare it with.
    pub value: Template,
    /// The compiled value of a `regex`, if the value has no Liquid.
    pub pattern: Option<Pattern>,
}

/// A comparison of two texts. The names are those of Studio's JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConditionType {
    /// `equal_to`
    EqualTo,
    /// `not_equal_to`
    NotEqualTo,
    /// `matches_any_of`: equal to an item of a list with commas.
    MatchesAnyOf,
    /// `does_not_match_any_of`
    DoesNotMatchAnyOf,
    /// `contains`
    Contains,
    /// `does_not_contain`
    DoesNotContain,
    /// `starts_with`
    StartsWith,
    /// `does_not_start_with`
    DoesNotStartWith,
    /// `is_blank`: empty, or white space alone.
    IsBlank,
    /// `is_not_blank`
    IsNotBlank,
    /// `regex`: the pattern matches the whole text.
    Regex,
    /// `less_than`: numbers only.
    LessThan,
    /// `greater_than`: numbers only.
    GreaterThan,
    /// `is_before_date`
    IsBeforeDate,
    /// `is_after_date`
    IsAfterDate,
    /// `is_before_time`
    IsBeforeTime,
    /// `is_after_time`
    IsAfterTime,
}

/// All conditions with their names in Studio's JSON.
pub const CONDITION_TYPES: [(&str, ConditionType); 17] = [
    ("equal_to", ConditionType::EqualTo),
    ("not_equal_to", ConditionType::NotEqualTo),
    ("matches_any_of", ConditionType::MatchesAnyOf),
    ("does_not_match_any_of", ConditionType::DoesNotMatchAnyOf),
    ("contains", ConditionType::Contains),
    ("does_not_contain", ConditionType::DoesNotContain),
    ("starts_with", ConditionType::StartsWith),
    ("does_not_start_with", ConditionType::DoesNotStartWith),
    ("is_blank", ConditionType::IsBlank),
    ("is_not_blank", ConditionType::IsNotBlank),
    ("regex", ConditionType::Regex),
    ("less_than", ConditionType::LessThan),
    ("greater_than", ConditionType::GreaterThan),
    ("is_before_date", ConditionType::IsBeforeDate),
    ("is_after_date", ConditionType::IsAfterDate),
    ("is_before_time", ConditionType::IsBeforeTime),
    ("is_after_time", ConditionType::IsAfterTime),
];

impl ConditionType {
    /// Whether the condition compares with a value.
    pub(crate) fn takes_value(self) -> bool {
        !matches!(self, ConditionType::IsBlank | ConditionType::IsNotBlank)
    }

    /// Whether the condition is true for `subject` and `value`. `compiled` is the pattern of a
    /// `regex` whose value is constant.
    ///
    /// # Errors
    /// If the value of a `regex` is not a pattern, or if the pattern takes too many steps.
    pub(crate) fn holds(
        self,
        subject: &str,
        value: &str,
        compiled: Option<&Pattern>,
    ) -> Result<bool, PatternError> {
        let (subject, value) = (subject.trim(), value.trim());
        let (left, right) = (subject.to_lowercase(), value.to_lowercase());
        let any_of = || right.split(',').any(|item| item.trim() == left);
        Ok(match self {
            ConditionType::EqualTo => left == right,
            ConditionType::NotEqualTo => left != right,
            ConditionType::MatchesAnyOf => any_of(),
            ConditionType::DoesNotMatchAnyOf => !any_of(),
            ConditionType::Contains => left.contains(&right),
            ConditionType::DoesNotContain => !left.contains(&right),
            ConditionType::StartsWith => left.starts_with(&right),
            ConditionType::DoesNotStartWith => !left.starts_with(&right),
            ConditionType::IsBlank => left.is_empty(),
            ConditionType::IsNotBlank => !left.is_empty(),
            ConditionType::Regex => match compiled {
                Some(pattern) => pattern.matches(subject)?,
                None => Pattern::compile(value)?.matches(subject)?,
            },
            ConditionType::LessThan => {
                parse_numbers(&left, &right).is_some_and(|(left, right)| left < right)
            }
            ConditionType::GreaterThan => {
                parse_numbers(&left, &right).is_some_and(|(left, right)| left > right)
            }
            ConditionType::IsBeforeDate => {
                parse_dates(&left, &right).is_some_and(|(left, right)| left < right)
            }
            ConditionType::IsAfterDate => {
                parse_dates(&left, &right).is_some_and(|(left, right)| left > right)
            }
            ConditionType::IsBeforeTime => {
                parse_times(&left, &right).is_some_and(|(left, right)| left < right)
            }
            ConditionType::IsAfterTime => {
                parse_times(&left, &right).is_some_and(|(left, right)| left > right)
            }
        })
    }
}

fn parse_numbers(left: &str, right: &str) -> Option<(f64, f64)> {
    // `NaN` and `inf` parse as numbers too, and Studio knows neither.
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
    number(left).zip(number(right))
}

fn parse_dates(left: &str, right: &str) -> Option<(Date, Date)> {
    // A date may have a time behind it, as the `date` filter writes it: only the day counts.
    let date = |text: &str| text.get(..10).and_then(|day| day.parse().ok());
    date(left).zip(date(right))
}

fn parse_times(left: &str, right: &str) -> Option<(Time, Time)> {
    let time = |text: &str| {
        // Seconds and a suffix behind the minute are ignored.
        let (hour, rest) = text.split_once(':')?;
        let minute = rest.get(..2)?;
        Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
    };
    time(left).zip(time(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(subject: &str, name: &str, value: &str) -> bool {
        let (_, test) = CONDITION_TYPES.iter().find(|(known, _)| *known == name).unwrap();
        test.holds(subject, value, None).expect("a pattern")
    }

    #[test]
    fn every_condition_both_ways() {
        for (subject, test, value, expected) in [
            (" Yes ", "equal_to", "yes", true),
            ("Yes.", "equal_to", "yes", false),
            ("ÄÖ", "equal_to", "äö", true),
            ("a", "not_equal_to", "b", true),
            ("A", "not_equal_to", "a ", false),
            ("Yup", "matches_any_of", "yes, yeah,yup", true),
            ("yes,yeah", "matches_any_of", "yes,yeah", false),
            ("no", "does_not_match_any_of", "yes,yeah", true),
            ("yes", "does_not_match_any_of", "yes,yeah", false),
            ("The End", "contains", "end", true),
            ("The End", "contains", "", true),
            ("The End", "does_not_contain", "begin", true),
            ("The End", "does_not_contain", "END", false),
            ("+1555", "starts_with", "+1", true),
            ("1555", "starts_with", "+1", false),
            ("1555", "does_not_start_with", "+1", true),
            ("+1555", "does_not_start_with", "+1", false),
            (" \t", "is_blank", "", true),
            ("0", "is_blank", "", false),
            ("0", "is_not_blank", "", true),
            ("", "is_not_blank", "", false),
            ("ABC12", "regex", "[a-z]+\\d+", true),
            ("ABC12x!", "regex", "[a-z]+\\d+", false),
            ("b", "regex", "a|b", true),
            ("xb", "regex", "a|b", false),
            ("9", "less_than", "10", true),
            ("10", "less_than", "9", false),
            ("a", "less_than", "b", false),
            ("1.5", "greater_than", "1", true),
            ("", "greater_than", "1", false),
            ("2026-01-31", "is_before_date", "2026-02-01", true),
            ("2026-02-01", "is_before_date", "2026-02-01", false),
            ("2026-02-01T10:00:00Z", "is_after_date", "2026-01-31", true),
            ("soon", "is_after_date", "2026-01-31", false),
            ("09:59", "is_before_time", "10:00", true),
            ("10:00", "is_before_time", "09:59", false),
            ("17:01", "is_after_time", "17:00", true),
            ("25:00", "is_after_time", "17:00", false),
        ] {
            assert_eq!(holds(subject, test, value), expected, "{subject} {test} {value}");
        }
    }
}
