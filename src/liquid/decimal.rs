//! Exact decimal fractions of 128 bits, and the arithmetic on their digits.

use std::fmt;

/// `digits / 10^scale`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decimal {
    pub(super) digits: i128,
    pub(super) scale: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ArithmeticOperation {
    Plus,
    Minus,
    Times,
    Divide,
    Modulo,
}

/// How a fraction becomes a whole number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RoundingMode {
    Up,
    Down,
    /// To the nearest, a half away from zero.
    Nearest,
}

/// Decimals with more fraction digits become floats: `10^38` does not fit into `i128`.
pub(super) const SCALE_MAX: u32 = 36;

// === impl Decimal ===

impl Decimal {
    /// Reads a number as JSON writes it. `None` where 128 bits do not have its digits.
    pub(super) fn parse(text: &str) -> Option<Decimal> {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let fraction = fraction.trim_end_matches('0');
        let digits = format!("{whole}{fraction}").parse::<i128>().ok()?;
        let scale = i64::try_from(fraction.len()).ok()? - exponent.parse::<i64>().ok()?;
        match u32::try_from(scale) {
            Ok(scale) => (scale <= SCALE_MAX).then_some(Decimal { digits, scale }),
            Err(_) => {
                let power = power_of_ten(u32::try_from(scale.checked_neg()?).ok()?)?;
                Some(Decimal { digits: digits.checked_mul(power)?, scale: 0 })
            }
        }
    }

    pub(super) fn to_float(self) -> f64 {
        // By way of text, which rounds correctly; a division of two floats would not.
        format!("{}e-{}", self.digits, self.scale).parse().unwrap_or(f64::NAN)
    }

    /// Both numbers' digits at one scale.
    pub(super) fn align(self, other: Decimal) -> Option<(i128, i128, u32)> {
        let scale = self.scale.max(other.scale);
        let left = self.digits.checked_mul(power_of_ten(scale - self.scale)?)?;
        let right = other.digits.checked_mul(power_of_ten(scale - other.scale)?)?;
        Some((left, right, scale))
    }

    /// `None` where the result does not fit.
    pub(super) fn apply(self, operation: ArithmeticOperation, other: Decimal) -> Option<Decimal> {
        let decimal = match operation {
            ArithmeticOperation::Times => {
                let digits = self.digits.checked_mul(other.digits)?;
                Decimal { digits, scale: self.scale + other.scale }
            }
            ArithmeticOperation::Divide => self.divide(other)?,
            ArithmeticOperation::Plus
            | ArithmeticOperation::Minus
            | ArithmeticOperation::Modulo => {
                let (left, right, scale) = self.align(other)?;
                Decimal { digits: apply_to_integers(operation, left, right)?, scale }
            }
        };
        (decimal.scale <= SCALE_MAX).then_some(decimal)
    }

    /// The quotient with as many digits as fit; `None` where a float has more of them.
    fn divide(self, other: Decimal) -> Option<Decimal> {
        let (mut left, right, _) = self.align(other)?;
        let mut scale = 0;
        // As many digits as 128 bits hold, as `BigDecimal` has more than a float.
        while scale < SCALE_MAX {
            match left.checked_mul(10) {
                Some(larger) => left = larger,
                None => break,
            }
            scale += 1;
        }
        // `i128::MIN / -1` overflows, too.
        let digits = left.checked_div(right)?;
        (digits.unsigned_abs() > 10u128.pow(18) || left % right == 0)
            .then_some(Decimal { digits, scale })
    }

    pub(super) fn round_to(self, places: i64, rounding: RoundingMode) -> Decimal {
        // 60 is beyond any digit of an `i128`, so that the clamp changes no result.
        let drop = i64::from(self.scale) - places.clamp(-60, 60);
        let Ok(drop) = u32::try_from(drop) else { return self };
        // No power: all digits are dropped.
        let whole = match power_of_ten(drop) {
            None => 0,
            Some(unit) => {
                let (floor, rest) = (self.digits.div_euclid(unit), self.digits.rem_euclid(unit));
                let up = match rounding {
                    RoundingMode::Down => false,
                    RoundingMode::Up => rest > 0,
                    RoundingMode::Nearest if self.digits < 0 => rest > unit / 2,
                    RoundingMode::Nearest => rest >= unit - unit / 2 && rest > 0,
                };
                floor + i128::from(up)
            }
        };
        match u32::try_from(places) {
            Ok(scale) if scale > 0 => Decimal { digits: whole, scale },
            _ => {
                let unit = power_of_ten(u32::try_from(-places.max(-60)).unwrap_or_default());
                let digits = unit.and_then(|unit| whole.checked_mul(unit)).unwrap_or_default();
                Decimal { digits, scale: 0 }
            }
        }
    }
}

// === impl Display for Decimal ===

impl fmt::Display for Decimal {
    /// All digits, with a point and at least one digit before and after it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.digits < 0 { "-" } else { "" };
        let scale = self.scale as usize;
        let digits = format!("{:0>width$}", self.digits.unsigned_abs(), width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        write!(f, "{sign}{whole}.{}", if fraction.is_empty() { "0" } else { fraction })
    }
}

pub(super) fn power_of_ten(exponent: u32) -> Option<i128> {
    10i128.checked_pow(exponent)
}

/// Arithmetic on whole numbers; `None` on overflow. As in Ruby, the quotient is rounded down, and
/// the remainder has the divisor's sign.
pub(super) fn apply_to_integers(
    operation: ArithmeticOperation,
    left: i128,
    right: i128,
) -> Option<i128> {
    match operation {
        ArithmeticOperation::Plus => left.checked_add(right),
        ArithmeticOperation::Minus => left.checked_sub(right),
        ArithmeticOperation::Times => left.checked_mul(right),
        ArithmeticOperation::Divide => {
            let quotient = left.checked_div(right)?;
            let inexact = left.checked_rem(right)? != 0;
            Some(if inexact && (left < 0) != (right < 0) { quotient - 1 } else { quotient })
        }
        ArithmeticOperation::Modulo => {
            let rest = left.checked_rem(right)?;
            Some(if rest != 0 && (rest < 0) != (right < 0) { rest + right } else { rest })
        }
    }
}
