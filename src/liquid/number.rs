//! Arithmetic as Ruby's Liquid does it: whole numbers stay whole, fractions are decimal.

use std::cmp::Ordering;

use super::error::Fault;
use super::value::Value;

/// A number to compute with. Fractions are exact decimals, as `BigDecimal` in Ruby, so that
/// `10.1 - 2.2` is `7.9`; those that do not fit are binary.
#[derive(Debug, Clone, Copy)]
pub(super) enum Number {
    Int(i128),
    Decimal(Decimal),
    Float(f64),
}

/// `digits / 10^scale`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decimal {
    digits: i128,
    scale: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Plus,
    Minus,
    Times,
    Divide,
    Modulo,
}

/// How a fraction becomes a whole number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rounding {
    Up,
    Down,
    /// To the nearest, a half away from zero.
    Nearest,
}

/// Decimals of more digits behind the point are binary: `10^38` would not fit.
const SCALE_MAX: u32 = 36;

// === impl Number ===

impl Number {
    /// The number that a value means; 0 for what is no number.
    pub(super) fn of(value: &Value<'_>) -> Number {
        match value {
            Value::Int(number) => Number::Int(*number),
            Value::Float(number) => Number::of_float(*number),
            _ => value.as_str().map_or(Number::Int(0), Number::of_text),
        }
    }

    /// A decimal fraction such as `-1.50`, or else the whole number that the text begins with.
    fn of_text(text: &str) -> Number {
        let text = text.trim();
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let is_number =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        match unsigned.split_once('.') {
            Some((whole, fraction)) if is_number(whole) && is_number(fraction) => {
                let digits = format!("{whole}{fraction}").parse::<i128>();
                match (digits, u32::try_from(fraction.len())) {
                    (Ok(digits), Ok(scale)) if scale <= SCALE_MAX => {
                        let digits = if unsigned == text { digits } else { -digits };
                        Number::Decimal(Decimal { digits, scale })
                    }
                    _ => Number::Float(text.parse().unwrap_or_default()),
                }
            }
            _ => Number::Int(leading_int(text)),
        }
    }

    fn of_float(number: f64) -> Number {
        let text = format!("{number:e}");
        let decimal = text.split_once('e').and_then(|(mantissa, exponent)| {
            let fraction = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len());
            let digits = mantissa.replace('.', "").parse::<i128>().ok()?;
            let scale = i64::try_from(fraction).ok()? - exponent.parse::<i64>().ok()?;
            match u32::try_from(scale) {
                Ok(scale) => (scale <= SCALE_MAX).then_some(Decimal { digits, scale }),
                Err(_) => {
                    let power = power_of_ten(u32::try_from(-scale).ok()?)?;
                    Some(Decimal { digits: digits.checked_mul(power)?, scale: 0 })
                }
            }
        });
        decimal.map_or(Number::Float(number), Number::Decimal)
    }

    fn to_float(self) -> f64 {
        match self {
            Number::Int(number) => number as f64,
            Number::Decimal(decimal) => decimal.to_float(),
            Number::Float(number) => number,
        }
    }

    /// The number as a value: a decimal becomes a float.
    pub(super) fn into_value<'a>(self) -> Value<'a> {
        match self {
            Number::Int(number) => Value::Int(number),
            other => Value::Float(other.to_float()),
        }
    }

    /// The distance from zero.
    pub(super) fn abs(self) -> Number {
        match self {
            Number::Int(number) => Number::Int(number.saturating_abs()),
            Number::Decimal(Decimal { digits, scale }) => {
                Number::Decimal(Decimal { digits: digits.saturating_abs(), scale })
            }
            Number::Float(number) => Number::Float(number.abs()),
        }
    }

    /// Whether it is less than `other`.
    pub(super) fn is_less_than(self, other: Number) -> bool {
        match (self, other) {
            (Number::Int(left), Number::Int(right)) => left < right,
            _ => match (self.decimal(), other.decimal()) {
                (Some(left), Some(right)) => match left.aligned(right) {
                    Some((left, right, _)) => left < right,
                    None => self.to_float() < other.to_float(),
                },
                _ => self.to_float() < other.to_float(),
            },
        }
    }

    /// The result of an operation, exact where it can be.
    pub(super) fn apply(self, operation: Operation, other: Number) -> Result<Number, Fault> {
        let divides = matches!(operation, Operation::Divide | Operation::Modulo);
        if divides && other.to_float() == 0.0 {
            return Err(Fault::operation("divided by 0"));
        }
        let exact = match (self, other) {
            (Number::Int(left), Number::Int(right)) => {
                whole(operation, left, right).map(Number::Int)
            }
            _ => match (self.decimal(), other.decimal()) {
                (Some(left), Some(right)) => left.apply(operation, right).map(Number::Decimal),
                _ => None,
            },
        };
        Ok(exact
            .unwrap_or_else(|| Number::Float(binary(operation, self.to_float(), other.to_float()))))
    }

    /// The number with `places` digits behind the point; a whole one for 0 places and fewer.
    pub(super) fn rounded(self, places: i64, rounding: Rounding) -> Result<Number, Fault> {
        match self {
            Number::Int(number) if places >= 0 => Ok(Number::Int(number)),
            Number::Int(digits) => Ok(Decimal { digits, scale: 0 }.rounded(places, rounding)),
            Number::Decimal(decimal) => Ok(decimal.rounded(places, rounding)),
            Number::Float(number) if places > 0 && number.is_finite() => Ok(Number::Float(number)),
            Number::Float(number) => {
                let number = match rounding {
                    Rounding::Up => number.ceil(),
                    Rounding::Down => number.floor(),
                    Rounding::Nearest => number.round(),
                };
                // Both bounds are powers of two and so exact.
                if number.abs() < 2f64.powi(126) {
                    Ok(Number::Int(number as i128))
                } else {
                    Err(Fault::operation("the number is too large to be rounded"))
                }
            }
        }
    }

    fn decimal(self) -> Option<Decimal> {
        match self {
            Number::Int(digits) => Some(Decimal { digits, scale: 0 }),
            Number::Decimal(decimal) => Some(decimal),
            Number::Float(_) => None,
        }
    }
}

// === impl Decimal ===

impl Decimal {
    fn to_float(self) -> f64 {
        format!("{}e-{}", self.digits, self.scale).parse().unwrap_or(f64::NAN)
    }

    /// Both numbers' digits at one scale.
    fn aligned(self, other: Decimal) -> Option<(i128, i128, u32)> {
        let scale = self.scale.max(other.scale);
        let left = self.digits.checked_mul(power_of_ten(scale - self.scale)?)?;
        let right = other.digits.checked_mul(power_of_ten(scale - other.scale)?)?;
        Some((left, right, scale))
    }

    /// `None` where the result does not fit.
    fn apply(self, operation: Operation, other: Decimal) -> Option<Decimal> {
        let decimal = match operation {
            Operation::Times => {
                let digits = self.digits.checked_mul(other.digits)?;
                Decimal { digits, scale: self.scale + other.scale }
            }
            Operation::Divide => self.divided_by(other)?,
            Operation::Plus | Operation::Minus | Operation::Modulo => {
                let (left, right, scale) = self.aligned(other)?;
                Decimal { digits: whole(operation, left, right)?, scale }
            }
        };
        (decimal.scale <= SCALE_MAX).then_some(decimal)
    }

    /// The quotient with as many digits as fit; `None` where those are fewer than a float has.
    fn divided_by(self, other: Decimal) -> Option<Decimal> {
        let (mut left, right, _) = self.aligned(other)?;
        let mut scale = 0;
        while scale < SCALE_MAX {
            match left.checked_mul(10) {
                Some(larger) => left = larger,
                None => break,
            }
            scale += 1;
        }
        let digits = left.checked_div(right)?;
        (digits.unsigned_abs() > 10u128.pow(18) || left % right == 0)
            .then_some(Decimal { digits, scale })
    }

    fn rounded(self, places: i64, rounding: Rounding) -> Number {
        let drop = i64::from(self.scale) - places.clamp(-60, 60);
        let Ok(drop) = u32::try_from(drop) else { return Number::Decimal(self) };
        let whole = match power_of_ten(drop) {
            None => 0,
            Some(unit) => {
                let (floor, rest) = (self.digits.div_euclid(unit), self.digits.rem_euclid(unit));
                let up = match rounding {
                    Rounding::Down => false,
                    Rounding::Up => rest > 0,
                    Rounding::Nearest if self.digits < 0 => rest > unit / 2,
                    Rounding::Nearest => rest >= unit - unit / 2 && rest > 0,
                };
                floor + i128::from(up)
            }
        };
        match u32::try_from(places) {
            Ok(scale) if scale > 0 => Number::Decimal(Decimal { digits: whole, scale }),
            _ => {
                let unit = power_of_ten(u32::try_from(-places.max(-60)).unwrap_or_default());
                Number::Int(unit.and_then(|unit| whole.checked_mul(unit)).unwrap_or_default())
            }
        }
    }
}

/// The whole number that Ruby's `to_i` finds at the start of a text.
pub(super) fn leading_int(text: &str) -> i128 {
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
                number = number.saturating_mul(10).saturating_add(i128::from(byte - b'0'));
            }
            b'_' if previous != b'_' => {}
            _ => break,
        }
        previous = byte;
    }
    if negative { -number } else { number }
}

/// The whole number that a value is, for counts and positions; an error for anything else.
pub(super) fn whole_of(value: &Value<'_>) -> Result<i128, Fault> {
    let text = match value {
        Value::Int(number) => return Ok(*number),
        _ => value.as_str().unwrap_or_default().trim(),
    };
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let well_formed = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
        && digits.bytes().next().is_some_and(|byte| byte.is_ascii_digit())
        && !digits.ends_with('_')
        && !digits.contains("__");
    if well_formed {
        Ok(leading_int(text))
    } else {
        Err(Fault::arguments(format!("expected a whole number, got {}", kind_of(value))))
    }
}

/// The order of two numbers, exact whatever their kinds; `None` for anything else and for NaN.
pub(super) fn order_of_numbers(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => Some(left.cmp(right)),
        (Value::Float(left), Value::Float(right)) => left.partial_cmp(right),
        (Value::Int(whole), Value::Float(float)) => order_of_mixed(*whole, *float),
        (Value::Float(float), Value::Int(whole)) => {
            order_of_mixed(*whole, *float).map(Ordering::reverse)
        }
        _ => None,
    }
}

fn order_of_mixed(whole: i128, float: f64) -> Option<Ordering> {
    if float.is_nan() || float.abs() >= 2f64.powi(126) {
        return 0.0.partial_cmp(&float);
    }
    let fraction = float - float.floor();
    Some(whole.cmp(&(float.floor() as i128)).then(0.0.partial_cmp(&fraction)?))
}

/// What sort of value it is, for messages: data itself never gets into one.
pub(super) fn kind_of(value: &Value<'_>) -> &'static str {
    match value {
        Value::Nil => "nil",
        Value::Bool(_) => "a boolean",
        Value::Int(_) => "a whole number",
        Value::Float(_) => "a fraction",
        Value::Str(_) | Value::Text(_) | Value::Safe(_) => "a text",
        Value::Array(_) | Value::List(_) => "a list",
        Value::Object(_) => "an object",
        Value::Range(..) => "a range",
        Value::Loop(_) => "a loop",
        Value::Empty => "`empty`",
        Value::Blank => "`blank`",
    }
}

fn power_of_ten(exponent: u32) -> Option<i128> {
    10i128.checked_pow(exponent)
}

/// Whole results; the quotient is rounded down, and the remainder has the divisor's sign.
fn whole(operation: Operation, left: i128, right: i128) -> Option<i128> {
    match operation {
        Operation::Plus => left.checked_add(right),
        Operation::Minus => left.checked_sub(right),
        Operation::Times => left.checked_mul(right),
        Operation::Divide => {
            let quotient = left.checked_div(right)?;
            let inexact = left.checked_rem(right)? != 0;
            Some(if inexact && (left < 0) != (right < 0) { quotient - 1 } else { quotient })
        }
        Operation::Modulo => {
            let rest = left.checked_rem(right)?;
            Some(if rest != 0 && (rest < 0) != (right < 0) { rest + right } else { rest })
        }
    }
}

fn binary(operation: Operation, left: f64, right: f64) -> f64 {
    match operation {
        Operation::Plus => left + right,
        Operation::Minus => left - right,
        Operation::Times => left * right,
        Operation::Divide => left / right,
        Operation::Modulo => left - right * (left / right).floor(),
    }
}
