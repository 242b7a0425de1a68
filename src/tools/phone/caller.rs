//! Who calls or writes, and the number that it goes to: the parameters that every webhook has.

use std::time::Duration;

use crate::random;

/// A number of the carrier, as its owner has configured it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhoneNumber {
    /// Where calls or messages are asked about, overrides in the fragment included.
    pub url: String,
    /// `GET` instead of `POST`.
    pub get: bool,
    /// What is asked when that cannot be used.
    pub fallback: Option<String>,
    /// What is told that a call is over.
    pub status_callback: Option<String>,
}

/// Who is at the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account that the number belongs to.
    pub account: String,
    /// A telephone number, or another address: `whatsapp:+15550100`, `client:ann`, `sip:…`.
    pub from: String,
    /// The number that is called.
    pub to: String,
    /// Parameters over and beside the usual ones.
    pub parameters: Vec<(String, String)>,
}

/// The parameters of a webhook, in the carrier's order; a later one of a name replaces the value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct WebhookFields(pub(super) Vec<(String, String)>);

/// Where a number is, which a carrier tells although it seldom knows. Each has `From` and `To`; a
/// call also has `Caller` and `Called`.
const PLACES: [&str; 4] = ["City", "State", "Zip", "Country"];

// === impl Number ===

impl PhoneNumber {
    /// A number whose webhooks all go to one URL, and none but those.
    pub fn at(url: &str) -> PhoneNumber {
        PhoneNumber { url: url.to_owned(), get: false, fallback: None, status_callback: None }
    }
}

// === impl Caller ===

impl Caller {
    /// Somebody, who calls a number of some account.
    pub fn somebody(from: &str, to: &str) -> Caller {
        let account = "AC00000000000000000000000000000000".to_owned();
        Caller { account, from: from.to_owned(), to: to.to_owned(), parameters: Vec::new() }
    }

    /// What every webhook of a call has.
    pub(super) fn of_call(&self, sid: &str) -> WebhookFields {
        let mut fields = WebhookFields::default();
        fields.set("CallSid", sid);
        fields.set("AccountSid", &self.account);
        for (name, number) in
            [("From", &self.from), ("To", &self.to), ("Caller", &self.from), ("Called", &self.to)]
        {
            fields.set(name, number);
            places(&mut fields, name, number);
        }
        fields.set("CallStatus", "ringing");
        fields.set("Direction", "inbound");
        fields.set("ApiVersion", "2010-04-01");
        fields.extend(&self.parameters);
        fields
    }

    /// What the webhook of a message has.
    pub(super) fn of_message(&self, body: &str, media: &[String]) -> WebhookFields {
        let sid = random::sid(if media.is_empty() { "SM" } else { "MM" });
        let mut fields = WebhookFields::default();
        for name in ["MessageSid", "SmsSid", "SmsMessageSid"] {
            fields.set(name, &sid);
        }
        fields.set("AccountSid", &self.account);
        for (name, number) in [("From", &self.from), ("To", &self.to)] {
            fields.set(name, number);
            places(&mut fields, name, number);
        }
        fields.set("Body", body);
        fields.set("NumMedia", &media.len().to_string());
        for (index, url) in media.iter().enumerate() {
            fields.set(&format!("MediaUrl{index}"), url);
            fields.set(&format!("MediaContentType{index}"), media_type(url));
        }
        fields.set("NumSegments", &segments(body).to_string());
        fields.set("SmsStatus", "received");
        fields.set("ApiVersion", "2010-04-01");
        if let Some(number) = self.from.strip_prefix("whatsapp:") {
            fields.set("WaId", number.trim_start_matches('+'));
            fields.set("ProfileName", "Somebody");
            fields.set("MessageType", if media.is_empty() { "text" } else { "image" });
        }
        fields.extend(&self.parameters);
        fields
    }
}

/// Cities and countries are told of telephone numbers alone, and are mostly empty.
fn places(fields: &mut WebhookFields, name: &str, number: &str) {
    if number.starts_with('+') {
        for place in PLACES {
            fields.set(&format!("{name}{place}"), "");
        }
    }
}

/// The type that a file's ending stands for.
fn media_type(url: &str) -> &'static str {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
    match ending.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "gif" => "image/gif",
        "mp4" => "video/mp4",
        "mp3" => "audio/mpeg",
        "ogg" | "oga" => "audio/ogg",
        "pdf" => "application/pdf",
        "vcf" => "text/vcard",
        _ => "image/jpeg",
    }
}

/// How many parts a message is sent in: 160 letters of the GSM alphabet or 70 others, and some
/// fewer where there are several.
fn segments(body: &str) -> usize {
    // Letters of the alphabet's basic table; the rest of it is counted as two.
    const GSM: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡\
        ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
    const GSM_TWO: &str = "^{}\\[~]|€";
    let gsm = |letter: char| match letter {
        _ if GSM.contains(letter) => Some(1),
        _ if GSM_TWO.contains(letter) => Some(2),
        _ => None,
    };
    let (length, one, several) = match body.chars().map(gsm).sum::<Option<usize>>() {
        Some(length) => (length, 160, 153),
        None => (body.encode_utf16().count(), 70, 67),
    };
    if length <= one { 1 } else { length.div_ceil(several) }
}

// === impl Fields ===

impl WebhookFields {
    /// Gives a parameter a value: in the place that it has, or behind the others.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => value.clone_into(old),
            None => self.0.push((name.to_owned(), value.to_owned())),
        }
    }

    pub(super) fn extend<N: AsRef<str>, V: AsRef<str>>(&mut self, pairs: &[(N, V)]) {
        for (name, value) in pairs {
            self.set(name.as_ref(), value.as_ref());
        }
    }
}

/// What the callback at the end of a call has beside that.
pub(super) fn call_ended(status: &str, took: Duration, wall: Duration) -> Vec<(String, String)> {
    let pair = |name: &str, value: String| (name.to_owned(), value);
    let mut fields = vec![pair("CallStatus", status.to_owned())];
    if status == "completed" {
        // The carrier bills whole minutes, and tells both.
        fields.push(pair("CallDuration", took.as_secs().to_string()));
        fields.push(pair("Duration", took.as_secs().div_ceil(60).to_string()));
    }
    fields.push(pair("Timestamp", rfc_2822(wall)));
    fields.push(pair("CallbackSource", "call-progress-events".to_owned()));
    fields.push(pair("SequenceNumber", "0".to_owned()));
    fields
}

/// `Sun, 25 Mar 2018 09:53:19 +0000`
fn rfc_2822(wall: Duration) -> String {
    let time = jiff::Timestamp::from_second(wall.as_secs() as i64).unwrap_or_default();
    time.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_messages_are_sent_in_parts() {
        for (body, parts) in [
            (String::new(), 1),
            ("a".repeat(160), 1),
            ("a".repeat(161), 2),
            ("€".repeat(80), 1),
            ("€".repeat(81), 2),
            ("я".repeat(70), 1),
            ("я".repeat(71), 2),
            ("😀".repeat(35), 1),
        ] {
            assert_eq!(segments(&body), parts, "{body}");
        }
    }

    #[test]
    fn what_is_given_replaces_what_is_usual() {
        let mut caller = Caller::somebody("+15550100", "+15550199");
        caller.parameters.push(("Direction".to_owned(), "outbound-api".to_owned()));
        caller.parameters.push(("Extra".to_owned(), "1".to_owned()));
        let fields = caller.of_call("CA1").0;
        let named = |name: &str| fields.iter().filter(|(n, _)| n == name).count();
        assert_eq!((named("Direction"), named("Extra"), named("FromCity")), (1, 1, 1));
    }

    #[test]
    fn the_end_of_a_call_is_dated_as_mails_are() {
        assert_eq!(rfc_2822(Duration::from_secs(1_521_971_599)), "Sun, 25 Mar 2018 09:53:19 +0000");
    }
}
