//! Addresses of channels in one form, so that one person or number has one name.
//!
//! Carriers write E.164 with a prefix for channels other than SMS. People and programs write
//! numbers as they read them, and a form that does not escape a `+` loses it. Only what can be
//! read in one way is rewritten; every other address stays as it is.

use std::borrow::Cow;

/// The digits of a number with its country code: E.164 has at most 15, and short ones are local.
const E164_DIGITS: std::ops::RangeInclusive<usize> = 8..=15;

/// The canonical form of the two addresses of a conversation. Where only one of them names
/// WhatsApp or Messenger, the other one is on that channel, too: it reaches no other one.
pub(crate) fn canonical_pair<'a>(us: &'a str, contact: &'a str) -> (Cow<'a, str>, Cow<'a, str>) {
    let (us, contact) = (canonical_address(us), canonical_address(contact));
    match (exclusive_prefix(&us), exclusive_prefix(&contact)) {
        (Some(prefix), None) if !has_prefix(&contact) => {
            let contact = canonical_address(&format!("{prefix}:{contact}")).into_owned();
            (us, Cow::Owned(contact))
        }
        (None, Some(prefix)) if !has_prefix(&us) && !is_messaging_service(&us) => {
            let us = canonical_address(&format!("{prefix}:{us}")).into_owned();
            (Cow::Owned(us), contact)
        }
        _ => (us, contact),
    }
}

/// Whether an address is the sid of a messaging service, which has numbers of several channels.
fn is_messaging_service(address: &str) -> bool {
    let digits = address.strip_prefix("MG");
    digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// The canonical form of one address: prefix in lower case, number as E.164 where that is clear.
fn canonical_address(text: &str) -> Cow<'_, str> {
    // Nearly every address is like this already.
    if text.strip_prefix('+').is_some_and(is_digits) {
        return Cow::Borrowed(text);
    }
    match text.trim_start().split_once(':') {
        Some((prefix, rest)) if is_prefix(prefix) => {
            let prefix = prefix.to_ascii_lowercase();
            let rest = if has_number(&prefix) {
                canonical_number(rest, prefix == "whatsapp")
            } else {
                Cow::Borrowed(rest.trim())
            };
            Cow::Owned(format!("{prefix}:{rest}"))
        }
        _ => canonical_number(text, false),
    }
}

/// A number as E.164, or without what only separates its digits. `is_international` where the
/// channel has no other numbers.
fn canonical_number(text: &str, is_international: bool) -> Cow<'_, str> {
    let trimmed = text.trim_matches(is_separator);
    let (plus, rest) = match trimmed.strip_prefix('+') {
        Some(rest) => (true, rest),
        None => (false, trimmed),
    };
    let digits: String = rest.chars().filter(|letter| !is_separator(*letter)).collect();
    if !is_digits(&digits) {
        // Letters: a name, which spaces belong to.
        return Cow::Borrowed(text.trim());
    }
    // In a form a `+` that is not escaped is a space.
    let has_lost_plus = text.starts_with(' ') && !plus;
    let is_e164 = |digits: &str| E164_DIGITS.contains(&digits.len()) && !digits.starts_with('0');
    let national = digits.strip_prefix("00").filter(|digits| is_e164(digits));
    match national {
        _ if plus => Cow::Owned(format!("+{digits}")),
        Some(national) => Cow::Owned(format!("+{national}")),
        None if (has_lost_plus || is_international) && is_e164(&digits) => {
            Cow::Owned(format!("+{digits}"))
        }
        None => Cow::Owned(digits),
    }
}

/// Whether the text is one word before a colon, such as `whatsapp` or `sip`.
fn is_prefix(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic()) && text.bytes().all(is_word)
}

/// Whether the addresses of a prefix are numbers. Names, such as those of `client:`, may contain
/// anything.
fn has_number(prefix: &str) -> bool {
    matches!(prefix, "whatsapp" | "rcs" | "sms" | "tel")
}

/// The prefix of a channel on which both sides have it.
fn exclusive_prefix(address: &str) -> Option<&str> {
    let (prefix, _) = address.split_once(':')?;
    matches!(prefix, "whatsapp" | "messenger").then_some(prefix)
}

fn has_prefix(address: &str) -> bool {
    address.split_once(':').is_some_and(|(prefix, _)| is_prefix(prefix))
}

/// Whether a character only separates the digits of a number: among them what people copy with a
/// number from a page, such as a no-break space or a mark of the direction.
fn is_separator(letter: char) -> bool {
    letter.is_whitespace()
        || matches!(letter, '(' | ')' | '-' | '.' | '/')
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2010}'..='\u{2015}')
        || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_has_one_name() {
        for spelling in [
            "+15550109999",
            "+1 (555) 010-9999",
            "+1.555.010.9999",
            " +15550109999\n",
            "+1\u{a0}555\u{2011}010\u{2011}9999",
            "\u{202a}+15550109999\u{202c}",
            " 15550109999",
            " 1 555 010 9999",
            "0015550109999",
            "00 1 555 010-9999",
        ] {
            assert_eq!(canonical_address(spelling), "+15550109999", "{spelling:?}");
        }
        for spelling in [
            "whatsapp:+15550109999",
            "WhatsApp:+15550109999",
            "WHATSAPP:+1 555 010 9999",
            "whatsapp: 15550109999",
            "whatsapp:15550109999",
            " whatsapp:0015550109999",
        ] {
            assert_eq!(canonical_address(spelling), "whatsapp:+15550109999", "{spelling:?}");
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_stays_as_it_is() {
        for address in [
            "",
            "+",
            "15550109999",
            "5550109999",
            "72345",
            " 72345",
            "0049",
            "05550109999",
            "01115550109999",
            "My Shop",
            "anonymous",
            "client:Ann Lee",
            "sip:Ann+1@example.com",
            "+1555x12",
            "MG0123456789abcdef0123456789abcdef",
            "a b:c",
        ] {
            assert_eq!(canonical_address(address), address.trim(), "{address:?}");
        }
        // No country code, but the same digits.
        assert_eq!(canonical_address("(555) 010-9999"), "5550109999");
        assert_eq!(canonical_address("SIP:Ann@example.com"), "sip:Ann@example.com");
        assert_eq!(canonical_address("messenger:00123456789"), "messenger:00123456789");
    }

    #[test]
    fn both_sides_are_on_the_channel_of_one() {
        let pair = |us, contact| {
            let (us, contact) = canonical_pair(us, contact);
            (us.into_owned(), contact.into_owned())
        };
        let both = ("whatsapp:+15550100001".to_owned(), "whatsapp:+15550100002".to_owned());
        for (us, contact) in [
            ("whatsapp:+15550100001", "whatsapp:+15550100002"),
            ("whatsapp:+15550100001", "+15550100002"),
            ("+15550100001", "WhatsApp:15550100002"),
            ("15550100001", "whatsapp:+15550100002"),
        ] {
            assert_eq!(pair(us, contact), both, "{us} {contact}");
        }
        assert_eq!(pair("messenger:1", "2").1, "messenger:2");
        let service = "MG0123456789abcdef0123456789abcdef";
        assert_eq!(pair(service, "whatsapp:+15550100002").0, service);
        assert_eq!(pair("sip:a@b", "whatsapp:+15550100002").0, "sip:a@b");
        assert_eq!(pair("+1999", "+1555"), ("+1999".to_owned(), "+1555".to_owned()));
    }
}
