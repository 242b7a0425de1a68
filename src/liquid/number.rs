//! Arithmetic as Ruby's Liquid does it: whole numbers stay whole, fractions are decimal.

use std::cmp::Ordering;

use super::decimal::{ArithmeticOperation, Decimal, RoundingMode, SCALE_MAX, apply_to_integers};
use super::error::ErrorCause;
use super::value::LiquidValue;

/// A number to compute with. Fractions are exact decimals, as `BigDecimal` in Ruby, so that
/// `10.1 - 2.2` is `7.9`; those that do not fit are binary.
#[derive(Debug, Clone, Copy)]
pub(super) enum LiquidNumber {
    Int(i128),
    Decimal(Decimal),
    Float(f64),
}

// === impl LiquidNumber ===

impl LiquidNumber {
    /// The number of a value; 0 for anything else, as Ruby's `to_number` does.
    pub(super) fn from_value(value: &LiquidValue<'_>) -> LiquidNumber {
        match value {
            LiquidValue::Int(number) => LiquidNumber::Int(*number),
            LiquidValue::Float(number) => LiquidNumber::from_float(*number),
            LiquidValue::Decimal(text) => match Decimal::parse(text) {
                Some(decimal) => LiquidNumber::Decimal(decimal),
                None => LiquidNumber::Float(text.parse().unwrap_or_default()),
            },
            _ => value.as_str().map_or(LiquidNumber::Int(0), LiquidNumber::from_text),
        }
    }

    /// A decimal fraction such as `-1.50`, or else the whole number that the text begins with.
    fn from_text(text: &str) -> LiquidNumber {
        let text = text.trim();
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let is_number =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        match unsigned.split_once('.') {
            // `1.` and `.5` are no fractions to Ruby: their leading integer counts.
            Some((whole, fraction)) if is_number(whole) && is_number(fraction) => {
                let digits = format!("{whole}{fraction}").parse::<i128>();
                match (digits, u32::try_from(fraction.len())) {
                    (Ok(digits), Ok(scale)) if scale <= SCALE_MAX => {
                        let digits = if unsigned == text { digits } else { -digits };
                        LiquidNumber::Decimal(Decimal { digits, scale })
                    }
                    _ => LiquidNumber::Float(text.parse().unwrap_or_default()),
                }
            }
            // Lax: `12 apples` is 12, `apples` is 0.
            _ => LiquidNumber::Int(parse_leading_integer(text)),
        }
    }

    fn from_float(number: f64) -> LiquidNumber {
        // The shortest decimal that reads back as this float, which is what Ruby computes with.
        let text = format!("{number:e}");
        Decimal::parse(&text).map_or(LiquidNumber::Float(number), LiquidNumber::Decimal)
    }

    fn to_float(self) -> f64 {
        match self {
            LiquidNumber::Int(number) => number as f64,
            LiquidNumber::Decimal(decimal) => decimal.to_float(),
            LiquidNumber::Float(number) => number,
        }
    }

    /// The number as a value: a decimal becomes a float.
    pub(super) fn into_value<'a>(self) -> LiquidValue<'a> {
        match self {
            LiquidNumber::Int(number) => LiquidValue::Int(number),
            other => LiquidValue::Float(other.to_float()),
        }
    }

    /// The distance from zero.
    pub(super) fn abs(self) -> LiquidNumber {
        match self {
            LiquidNumber::Int(number) => LiquidNumber::Int(number.saturating_abs()),
            LiquidNumber::Decimal(Decimal { digits, scale }) => {
                LiquidNumber::Decimal(Decimal { digits: digits.saturating_abs(), scale })
            }
            LiquidNumber::Float(number) => LiquidNumber::Float(number.abs()),
        }
    }

    /// Whether it is less than `other`.
    pub(super) fn is_less_than(self, other: LiquidNumber) -> bool {
        self.compare(other) == Some(Ordering::Less)
    }

    /// The order of two numbers, `None` for NaN.
    fn compare(self, other: LiquidNumber) -> Option<Ordering> {
        let exact = match (self, other) {
            (LiquidNumber::Int(left), LiquidNumber::Int(right)) => Some(left.cmp(&right)),
            // `None` where the digits do not fit at one scale.
            _ => self.to_decimal().zip(other.to_decimal()).and_then(|(left, right)| {
                left.align(right).map(|(left, right, _)| left.cmp(&right))
            }),
        };
        exact.or_else(|| self.to_float().partial_cmp(&other.to_float()))
    }

    /// The result of an operation, exact where it can be.
    pub(super) fn apply(
        self,
        operation: ArithmeticOperation,
        other: LiquidNumber,
    ) -> Result<LiquidNumber, ErrorCause> {
        let divides =
            matches!(operation, ArithmeticOperation::Divide | ArithmeticOperation::Modulo);
        if divides && other.to_float() == 0.0 {
            return Err(ErrorCause::operation("divided by 0"));
        }
        let exact = match (self, other) {
            (LiquidNumber::Int(left), LiquidNumber::Int(right)) => {
                apply_to_integers(operation, left, right).map(LiquidNumber::Int)
            }
            _ => match (self.to_decimal(), other.to_decimal()) {
                (Some(left), Some(right)) => {
                    left.apply(operation, right).map(LiquidNumber::Decimal)
                }
                _ => None,
            },
        };
        Ok(exact.unwrap_or_else(|| {
            LiquidNumber::Float(apply_to_floats(operation, self.to_float(), other.to_float()))
        }))
    }

    /// The number rounded to `places` fraction digits; a whole one for 0 places and fewer.
    pub(super) fn round_to(
        self,
        places: i64,
        rounding: RoundingMode,
    ) -> Result<LiquidNumber, ErrorCause> {
        match self {
            LiquidNumber::Int(number) if places >= 0 => Ok(LiquidNumber::Int(number)),
            LiquidNumber::Int(digits) => Ok(LiquidNumber::Int(
                Decimal { digits, scale: 0 }.round_to(places, rounding).digits,
            )),
            LiquidNumber::Decimal(decimal) => {
                let rounded = decimal.round_to(places, rounding);
                // By the places, not by the result: `1e20 | round: 2` stays a fraction.
                Ok(if places > 0 {
                    LiquidNumber::Decimal(rounded)
                } else {
                    LiquidNumber::Int(rounded.digits)
                })
            }
            // Such a float is too large or too small for a decimal: rounding to places changes
            // nothing.
            LiquidNumber::Float(number) if places > 0 && number.is_finite() => {
                Ok(LiquidNumber::Float(number))
            }
            LiquidNumber::Float(number) => {
                let number = match rounding {
                    RoundingMode::Up => number.ceil(),
                    RoundingMode::Down => number.floor(),
                    RoundingMode::Nearest => number.round(),
                };
                // Both bounds are powers of two and so exact.
                if number.abs() < 2f64.powi(126) {
                    Ok(LiquidNumber::Int(number as i128))
                } else {
                    Err(ErrorCause::operation("the number is too large to be rounded"))
                }
            }
        }
    }

    fn to_decimal(self) -> Option<Decimal> {
        match self {
            LiquidNumber::Int(digits) => Some(Decimal { digits, scale: 0 }),
            LiquidNumber::Decimal(decimal) => Some(decimal),
            LiquidNumber::Float(_) => None,
        }
    }
}

/// The value of a JSON number with any number of digits.
pub(super) fn parse_number(text: &str) -> LiquidValue<'_> {
    if let Ok(whole) = text.parse() {
        return LiquidValue::Int(whole);
    }
    let float = text.parse().unwrap_or_default();
    let shortest = LiquidNumber::from_float(float).to_decimal();
    match Decimal::parse(text).zip(shortest).and_then(|(all, short)| all.align(short)) {
        // The float prints fewer digits than the text has.
        Some((all, short, _)) if all != short => LiquidValue::Decimal(text),
        _ => LiquidValue::Float(float),
    }
}

/// The whole number that Ruby's `to_i` finds at the start of a text; 0 where there is none.
pub(super) fn parse_leading_integer(text: &str) -> i128 {
    let text = text.trim_start();
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let mut number: i128 = 0;
    let mut previous = b'_';
    for byte in digits.bytes() {
        match byte {
            b'0'..=b'9' => {
                // Saturating: Ruby's integers have no end, ours do.
                number = number.saturating_mul(10).saturating_add(i128::from(byte - b'0'));
            }
            b'_' if previous != b'_' => {}
            _ => break,
        }
        // Ruby allows single underscores between digits: `1_000`.
        previous = byte;
    }
    if negative { -number } else { number }
}

/// The whole number that a value is, for counts and positions; an error for anything else.
pub(super) fn require_integer(value: &LiquidValue<'_>) -> Result<i128, ErrorCause> {
    let text = match value {
        LiquidValue::Int(number) => return Ok(*number),
        _ => value.as_str().unwrap_or_default().trim(),
    };
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    // Ruby's `Integer()`: unlike `to_i` it refuses trailing text.
    let well_formed = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
        && digits.bytes().next().is_some_and(|byte| byte.is_ascii_digit())
        && !digits.ends_with('_')
        && !digits.contains("__");
    if well_formed {
        Ok(parse_leading_integer(text))
    } else {
        Err(ErrorCause::arguments(format!("expected a whole number, got {}", type_name(value))))
    }
}

/// The order of two numbers, exact even between a whole number and a float; `None` for anything
/// else and for NaN.
pub(super) fn compare_numbers(left: &LiquidValue<'_>, right: &LiquidValue<'_>) -> Option<Ordering> {
    match (left, right) {
        (LiquidValue::Int(left), LiquidValue::Int(right)) => Some(left.cmp(right)),
        (LiquidValue::Float(left), LiquidValue::Float(right)) => left.partial_cmp(right),
        (LiquidValue::Int(whole), LiquidValue::Float(float)) => compare_mixed(*whole, *float),
        (LiquidValue::Float(float), LiquidValue::Int(whole)) => {
            compare_mixed(*whole, *float).map(Ordering::reverse)
        }
        (
            LiquidValue::Decimal(_),
            LiquidValue::Int(_) | LiquidValue::Float(_) | LiquidValue::Decimal(_),
        )
        | (LiquidValue::Int(_) | LiquidValue::Float(_), LiquidValue::Decimal(_)) => {
            LiquidNumber::from_value(left).compare(LiquidNumber::from_value(right))
        }
        _ => None,
    }
}

fn compare_mixed(whole: i128, float: f64) -> Option<Ordering> {
    // Beyond `i128` the float's sign decides; within it, its floor is exact.
    if float.is_nan() || float.abs() >= 2f64.powi(126) {
        return 0.0.partial_cmp(&float);
    }
    // Equal floors: the fraction decides.
    let fraction = float - float.floor();
    Some(whole.cmp(&(float.floor() as i128)).then(0.0.partial_cmp(&fraction)?))
}

/// The type of a value, for messages: they never show the data itself.
pub(super) fn type_name(value: &LiquidValue<'_>) -> &'static str {
    match value {
        LiquidValue::Nil => "nil",
        LiquidValue::Bool(_) => "a boolean",
        LiquidValue::Int(_) => "a whole number",
        LiquidValue::Float(_) | LiquidValue::Decimal(_) => "a fraction",
        LiquidValue::Str(_) | LiquidValue::Text(_) | LiquidValue::Safe(_) => "a text",
        LiquidValue::Array(_) | LiquidValue::List(_) => "a list",
        LiquidValue::Object(_) => "an object",
        LiquidValue::Range(..) => "a range",
        LiquidValue::Loop(_) => "a loop",
        LiquidValue::Empty => "`empty`",
        LiquidValue::Blank => "`blank`",
    }
}

fn apply_to_floats(operation: ArithmeticOperation, left: f64, right: f64) -> f64 {
    match operation {
        ArithmeticOperation::Plus => left + right,
        ArithmeticOperation::Minus => left - right,
        ArithmeticOperation::Times => left * right,
        ArithmeticOperation::Divide => left / right,
        ArithmeticOperation::Modulo => left - right * (left / right).floor(),
    }
}
