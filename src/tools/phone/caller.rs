//! A caller and a phone number: the source of the parameters that every webhook has.

use std::time::Duration;

use crate::random;

/// A phone number with its configuration at the carrier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhoneNumber {
    /// The URL for calls or messages, with the overrides in its fragment.
    pub url: String,
    /// Whether the first webhook is a `GET` instead of a `POST`.
    pub get: bool,
    /// The URL to request if that one fails.
    pub fallback: Option<String>,
    /// The URL for the callback at the end of a call.
    pub status_callback: Option<String>,
}

/// The person who calls or writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account that the number belongs to.
    pub account: String,
    /// A telephone number, or another address: `whatsapp:+15550100`, `client:ann`, `sip:…`.
    pub from: String,
    /// The number that is called.
    pub to: String,
    /// Additional parameters; one with a usual name replaces it.
    pub parameters: Vec<(String, String)>,
}

/// The parameters of a webhook in the carrier's order. Each name occurs once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct WebhookFields(pub(super) Vec<(String, String)>);

/// Suffixes of the location parameters, like `FromCity`. `From` and `To` have all of them, `Caller`
/// and `Called` in a call.
const LOCATION_SUFFIXES: [&str; 4] = ["City", "State", "Zip", "Country"];

// === impl PhoneNumber ===

impl PhoneNumber {
    /// A number with this URL, without a fallback and callbacks.
    pub fn for_url(url: &str) -> PhoneNumber {
        PhoneNumber { url: url.to_owned(), get: false, fallback: None, status_callback: None }
    }
}

/// What it means if an application refuses webhooks with 403, and what to do.
pub(crate) fn explain_refusal(is_signed: bool, account: Option<&str>) -> String {
    match (is_signed, account) {
        (false, _) => "the application expects signed webhooks, and these are not signed: set \
             `TWILIO_AUTH_TOKEN` and `TWILIO_ACCOUNT_SID`, or give `--token` and `--account`"
            .to_owned(),
        (true, None) => format!(
            "the webhooks name the account {SAMPLE_ACCOUNT}, which the application may not know: \
             set `TWILIO_ACCOUNT_SID` or give `--account`"
        ),
        (true, Some(account)) => format!(
            "the application does not take the token for that of {account}, or it checks the \
             signature over another URL than the one that is called (its `public_url`); the log \
             of `twimlgate serve` has the URL and the likeliest cause"
        ),
    }
}

/// The account of a caller where none is given.
const SAMPLE_ACCOUNT: &str = "AC00000000000000000000000000000000";

// === impl Caller ===

impl Caller {
    /// A caller of a number in a sample account.
    pub fn new(from: &str, to: &str) -> Caller {
        let account = SAMPLE_ACCOUNT.to_owned();
        Caller { account, from: from.to_owned(), to: to.to_owned(), parameters: Vec::new() }
    }

    /// The parameters of every webhook of a call.
    pub(super) fn call_fields(&self, sid: &str) -> WebhookFields {
        let mut fields = WebhookFields::default();
        fields.set("CallSid", sid);
        fields.set("AccountSid", &self.account);
        for (name, number) in
            [("From", &self.from), ("To", &self.to), ("Caller", &self.from), ("Called", &self.to)]
        {
            fields.set(name, number);
            set_locations(&mut fields, name, number);
        }
        fields.set("CallStatus", "ringing");
        fields.set("Direction", "inbound");
        fields.set("ApiVersion", "2010-04-01");
        // Last, so that a parameter of the user replaces the usual one.
        fields.extend(&self.parameters);
        fields
    }

    /// The parameters of the webhook of a message.
    pub(super) fn message_fields(&self, body: &str, media: &[String]) -> WebhookFields {
        let sid = random::sid(if media.is_empty() { "SM" } else { "MM" });
        let mut fields = WebhookFields::default();
        for name in ["MessageSid", "SmsSid", "SmsMessageSid"] {
            fields.set(name, &sid);
        }
        fields.set("AccountSid", &self.account);
        for (name, number) in [("From", &self.from), ("To", &self.to)] {
            fields.set(name, number);
            set_locations(&mut fields, name, number);
        }
        fields.set("Body", body);
        fields.set("NumMedia", &media.len().to_string());
        for (index, url) in media.iter().enumerate() {
            fields.set(&format!("MediaUrl{index}"), url);
            fields.set(&format!("MediaContentType{index}"), media_type(url));
        }
        fields.set("NumSegments", &count_segments(body).to_string());
        fields.set("SmsStatus", "received");
        fields.set("ApiVersion", "2010-04-01");
        // Parameters that only the carrier's WhatsApp channel has.
        if let Some(number) = self.from.strip_prefix("whatsapp:") {
            fields.set("WaId", number.trim_start_matches('+'));
            fields.set("ProfileName", "Somebody");
            fields.set("MessageType", if media.is_empty() { "text" } else { "image" });
        }
        fields.extend(&self.parameters);
        fields
    }
}

/// Sets the location parameters of a telephone number. Other addresses have none.
fn set_locations(fields: &mut WebhookFields, name: &str, number: &str) {
    if number.starts_with('+') {
        // The carrier knows the location of few numbers, and sends empty values for the others.
        for suffix in LOCATION_SUFFIXES {
            fields.set(&format!("{name}{suffix}"), "");
        }
    }
}

/// The media type for the file extension of a URL.
fn media_type(url: &str) -> &'static str {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "gif" => "image/gif",
        "mp4" => "video/mp4",
        "mp3" => "audio/mpeg",
        "ogg" | "oga" => "audio/ogg",
        "pdf" => "application/pdf",
        "vcf" => "text/vcard",
        // Most pictures of phones, and of URLs without an extension.
        _ => "image/jpeg",
    }
}

/// The number of segments of a message: 160 characters of the GSM alphabet fit in one segment, or
/// 70 others; in several segments, 153 or 67 fit in each.
fn count_segments(body: &str) -> usize {
    // Characters of the basic table count once, those of the extension table twice.
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

// === impl WebhookFields ===

impl WebhookFields {
    /// Sets a parameter: at its position, or at the end.
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

/// The additional parameters of the callback at the end of a call.
pub(super) fn completion_params(
    status: &str,
    duration: Duration,
    wall: Duration,
) -> Vec<(String, String)> {
    let pair = |name: &str, value: String| (name.to_owned(), value);
    let mut fields = vec![pair("CallStatus", status.to_owned())];
    if status == "completed" {
        // The carrier bills whole minutes, and sends both.
        fields.push(pair("CallDuration", duration.as_secs().to_string()));
        fields.push(pair("Duration", duration.as_secs().div_ceil(60).to_string()));
    }
    fields.push(pair("Timestamp", format_rfc_2822(wall)));
    fields.push(pair("CallbackSource", "call-progress-events".to_owned()));
    fields.push(pair("SequenceNumber", "0".to_owned()));
    fields
}

/// `Sun, 25 Mar 2018 09:53:19 +0000`
fn format_rfc_2822(wall: Duration) -> String {
    let time = jiff::Timestamp::from_second(wall.as_secs() as i64).unwrap_or_default();
    time.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_messages_have_several_segments() {
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
            assert_eq!(count_segments(&body), parts, "{body}");
        }
    }

    #[test]
    fn own_parameters_replace_the_usual_ones() {
        let mut caller = Caller::new("+15550100", "+15550199");
        caller.parameters.push(("Direction".to_owned(), "outbound-api".to_owned()));
        caller.parameters.push(("Extra".to_owned(), "1".to_owned()));
        let fields = caller.call_fields("CA1").0;
        let named = |name: &str| fields.iter().filter(|(n, _)| n == name).count();
        assert_eq!((named("Direction"), named("Extra"), named("FromCity")), (1, 1, 1));
    }

    #[test]
    fn the_end_of_a_call_has_a_date_of_rfc_2822() {
        assert_eq!(
            format_rfc_2822(Duration::from_secs(1_521_971_599)),
            "Sun, 25 Mar 2018 09:53:19 +0000"
        );
    }
}
