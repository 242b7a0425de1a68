//! Filters on numbers.

use super::super::decimal::{ArithmeticOperation, RoundingMode};
use super::super::number::LiquidNumber;
use super::super::value::LiquidValue;
use super::context::{FilterArguments, FilterContext, FilterResult};

pub(super) fn abs<'a>(
    _: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    _: FilterArguments<'a>,
) -> FilterResult<'a> {
    Ok(LiquidNumber::from_value(&input).abs().into_value())
}

pub(super) fn at_least<'a>(
    _: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    arguments: FilterArguments<'a>,
) -> FilterResult<'a> {
    let (number, least) =
        (LiquidNumber::from_value(&input), LiquidNumber::from_value(&arguments.values[0]));
    Ok(if number.is_less_than(least) { least } else { number }.into_value())
}

pub(super) fn at_most<'a>(
    _: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    arguments: FilterArguments<'a>,
) -> FilterResult<'a> {
    let (number, most) =
        (LiquidNumber::from_value(&input), LiquidNumber::from_value(&arguments.values[0]));
    Ok(if most.is_less_than(number) { most } else { number }.into_value())
}

pub(super) fn plus<'a>(
    _: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    by: FilterArguments<'a>,
) -> FilterResult<'a> {
    apply_operation(&input, ArithmeticOperation::Plus, &by)
}

pub(super) fn minus<'a>(
    _: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    by: FilterArguments<'a>,
) -> FilterResult<'a> {
    apply_operation(&input, ArithmeticOperation::Minus, &by)
}

pub(super) fn times<'a>(
    _: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    by: FilterArguments<'a>,
) -> FilterResult<'a> {
    apply_operation(&input, ArithmeticOperation::Times, &by)
}

pub(super) fn divided_by<'a>(
    _: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    by: FilterArguments<'a>,
) -> FilterResult<'a> {
    apply_operation(&input, ArithmeticOperation::Divide, &by)
}

pub(super) fn modulo<'a>(
    _: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    by: FilterArguments<'a>,
) -> FilterResult<'a> {
    apply_operation(&input, ArithmeticOperation::Modulo, &by)
}

pub(super) fn ceil<'a>(
    _: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    _: FilterArguments<'a>,
) -> FilterResult<'a> {
    Ok(LiquidNumber::from_value(&input).round_to(0, RoundingMode::Up)?.into_value())
}

pub(super) fn floor<'a>(
    _: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    _: FilterArguments<'a>,
) -> FilterResult<'a> {
    Ok(LiquidNumber::from_value(&input).round_to(0, RoundingMode::Down)?.into_value())
}

pub(super) fn round<'a>(
    _: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    arguments: FilterArguments<'a>,
) -> FilterResult<'a> {
    let places =
        match LiquidNumber::from_value(&arguments.values[0]).round_to(0, RoundingMode::Down)? {
            // More places than a number can have change nothing.
            LiquidNumber::Int(places) => places.clamp(-60, 60) as i64,
            LiquidNumber::Decimal(_) | LiquidNumber::Float(_) => 0,
        };
    Ok(LiquidNumber::from_value(&input).round_to(places, RoundingMode::Nearest)?.into_value())
}

fn apply_operation<'a>(
    input: &LiquidValue<'a>,
    operation: ArithmeticOperation,
    by: &FilterArguments<'a>,
) -> FilterResult<'a> {
    Ok(LiquidNumber::from_value(input)
        .apply(operation, LiquidNumber::from_value(&by.values[0]))?
        .into_value())
}
