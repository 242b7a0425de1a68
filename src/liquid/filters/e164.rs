//! The number in the address of a phone.

use super::context::FilterResult;
use super::string::map_text;
use super::{FilterArguments, FilterContext};
use crate::liquid::value::LiquidValue;

/// `e164`: the number of a SIP address such as `sip:+15550100@example.com`, or a number without
/// the characters that people write between digits. Any other text becomes an empty one.
pub(super) fn e164<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    _: FilterArguments<'a>,
) -> FilterResult<'a> {
    map_text(context, &input, read_number)
}

fn read_number(text: &str) -> String {
    let user = text.trim().split(['@', ';']).next().unwrap_or_default();
    let number = user.rsplit(':').next().unwrap_or_default().trim();
    let digits = number.strip_prefix('+').unwrap_or(number);
    let is_between = |c: char| matches!(c, ' ' | '-' | '.' | '(' | ')');
    // A name with digits in it must not be dialled.
    if !digits.chars().all(|c| c.is_ascii_digit() || is_between(c)) {
        return String::new();
    }
    number.chars().filter(|c| !is_between(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::read_number;

    #[test]
    fn the_number_of_an_address() {
        for (text, number) in [
            ("sip:+15550100@example.sip.twilio.com", "+15550100"),
            ("sip:15550100@example.com;transport=tls", "15550100"),
            ("whatsapp:+15550100", "+15550100"),
            (" +1 (555) 010-0 ", "+15550100"),
            ("sip:alice2@example.com", ""),
            ("client:ada", ""),
            ("", ""),
        ] {
            assert_eq!(read_number(text), number, "{text}");
        }
    }
}
