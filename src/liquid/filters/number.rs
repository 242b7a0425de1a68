//! Filters on numbers.

use super::super::number::{Number, Operation, Rounding};
use super::super::value::Value;
use super::context::{Arguments, Env, Outcome};

pub(super) fn abs<'a>(_: &mut Env<'a>, input: Value<'a>, _: Arguments<'a>) -> Outcome<'a> {
    Ok(Number::of(&input).abs().into_value())
}

pub(super) fn at_least<'a>(
    _: &mut Env<'a>,
    input: Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    let (number, least) = (Number::of(&input), Number::of(&arguments.values[0]));
    Ok(if number.is_less_than(least) { least } else { number }.into_value())
}

pub(super) fn at_most<'a>(
    _: &mut Env<'a>,
    input: Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    let (number, most) = (Number::of(&input), Number::of(&arguments.values[0]));
    Ok(if most.is_less_than(number) { most } else { number }.into_value())
}

pub(super) fn plus<'a>(_: &mut Env<'a>, input: Value<'a>, by: Arguments<'a>) -> Outcome<'a> {
    applied(&input, Operation::Plus, &by)
}

pub(super) fn minus<'a>(_: &mut Env<'a>, input: Value<'a>, by: Arguments<'a>) -> Outcome<'a> {
    applied(&input, Operation::Minus, &by)
}

pub(super) fn times<'a>(_: &mut Env<'a>, input: Value<'a>, by: Arguments<'a>) -> Outcome<'a> {
    applied(&input, Operation::Times, &by)
}

pub(super) fn divided_by<'a>(_: &mut Env<'a>, input: Value<'a>, by: Arguments<'a>) -> Outcome<'a> {
    applied(&input, Operation::Divide, &by)
}

pub(super) fn modulo<'a>(_: &mut Env<'a>, input: Value<'a>, by: Arguments<'a>) -> Outcome<'a> {
    applied(&input, Operation::Modulo, &by)
}

pub(super) fn ceil<'a>(_: &mut Env<'a>, input: Value<'a>, _: Arguments<'a>) -> Outcome<'a> {
    Ok(Number::of(&input).rounded(0, Rounding::Up)?.into_value())
}

pub(super) fn floor<'a>(_: &mut Env<'a>, input: Value<'a>, _: Arguments<'a>) -> Outcome<'a> {
    Ok(Number::of(&input).rounded(0, Rounding::Down)?.into_value())
}

pub(super) fn round<'a>(
    _: &mut Env<'a>,
    input: Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    let places = match Number::of(&arguments.values[0]).rounded(0, Rounding::Down)? {
        Number::Int(places) => places.clamp(-60, 60) as i64,
        Number::Decimal(_) | Number::Float(_) => 0,
    };
    Ok(Number::of(&input).rounded(places, Rounding::Nearest)?.into_value())
}

fn applied<'a>(input: &Value<'a>, operation: Operation, by: &Arguments<'a>) -> Outcome<'a> {
    Ok(Number::of(input).apply(operation, Number::of(&by.values[0]))?.into_value())
}
