//! The `date` filter.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::super::dates::{self, strftime};
use super::super::error::Fault;
use super::super::print::text_of;
use super::super::value::Value;
use super::context::{Arguments, Env, Outcome};

/// Formats a date, in its own zone or in that of `timezone:`. What is no date, and a date without
/// a format, stay as they are.
pub(super) fn date<'a>(
    env: &mut Env<'a>,
    input: Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    let [format, _] = &arguments.values;
    let format = text_of(format, &mut env.budget)?.into_owned();
    if format.is_empty() {
        return Ok(input);
    }
    let Some(mut moment) = moment_of(env, &input)? else { return Ok(input) };
    if let Some(name) = arguments.keyword.as_str() {
        let zone = TimeZone::get(name).map_err(|_| no_zone())?;
        moment = moment.with_time_zone(zone);
    }
    let mut text = String::new();
    strftime::format_into(&mut text, &format, &moment, &mut env.budget)?;
    env.text(text)
}

fn moment_of(env: &mut Env<'_>, input: &Value<'_>) -> Result<Option<Zoned>, Fault> {
    if let Value::Int(seconds) = input {
        return Ok(i64::try_from(*seconds).ok().and_then(|seconds| at(env, seconds)));
    }
    let Some(text) = input.as_str() else { return Ok(None) };
    env.budget.read(text.len())?;
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    Ok(match text.to_ascii_lowercase().as_str() {
        "now" | "today" => at(env, env.now),
        number if is_number => number.parse().ok().and_then(|seconds| at(env, seconds)),
        _ => at(env, env.now).and_then(|now| dates::parse(text, &now)),
    })
}

/// The moment of Unix seconds in the zone of the engine.
fn at(env: &Env<'_>, seconds: i64) -> Option<Zoned> {
    Timestamp::from_second(seconds).ok().map(|moment| moment.to_zoned(env.zone.clone()))
}

fn no_zone() -> Fault {
    Fault::arguments("`timezone:` names no known time zone, such as `America/New_York`")
}
