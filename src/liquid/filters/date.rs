//! The `date` filter.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::super::dates::{self, strftime};
use super::super::error::ErrorCause;
use super::super::print::to_text;
use super::super::value::LiquidValue;
use super::context::{FilterArguments, FilterContext, FilterResult};

/// Formats a date, in its own zone or in that of `timezone:`. A value that is not a date does not
/// change, nor does a date with an empty format.
pub(super) fn date<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    arguments: FilterArguments<'a>,
) -> FilterResult<'a> {
    let [format, _] = &arguments.values;
    let format = to_text(format, &mut context.budget)?.into_owned();
    if format.is_empty() {
        return Ok(input);
    }
    let Some(mut moment) = to_moment(context, &input)? else { return Ok(input) };
    if let Some(name) = arguments.keyword.as_str() {
        let zone = TimeZone::get(name).map_err(|_| unknown_zone_error())?;
        moment = moment.with_time_zone(zone);
    }
    let mut text = String::new();
    strftime::format_into(&mut text, &format, &moment, &mut context.budget)?;
    context.new_text(text)
}

fn to_moment(
    context: &mut FilterContext<'_>,
    input: &LiquidValue<'_>,
) -> Result<Option<Zoned>, ErrorCause> {
    if let LiquidValue::Int(seconds) = input {
        return Ok(i64::try_from(*seconds).ok().and_then(|seconds| moment_at(context, seconds)));
    }
    let Some(text) = input.as_str() else { return Ok(None) };
    context.budget.charge_read(text.len())?;
    // Unix seconds arrive as text, too: parameters of webhooks are always text.
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    Ok(match text.to_ascii_lowercase().as_str() {
        // Both are the current moment, as in Ruby's Liquid.
        "now" | "today" => moment_at(context, context.now),
        number if is_number => number.parse().ok().and_then(|seconds| moment_at(context, seconds)),
        _ => moment_at(context, context.now).and_then(|now| dates::parse(text, &now)),
    })
}

/// The moment of Unix seconds in the zone of the engine.
fn moment_at(context: &FilterContext<'_>, seconds: i64) -> Option<Zoned> {
    Timestamp::from_second(seconds).ok().map(|moment| moment.to_zoned(context.zone.clone()))
}

fn unknown_zone_error() -> ErrorCause {
    ErrorCause::arguments("`timezone:` names no known time zone, such as `America/New_York`")
}
