//! The claim key: what makes two deliveries one webhook.

use std::fmt::Write as _;
use std::num::NonZeroU64;

use sha2::{Digest as _, Sha256};

use crate::channel::Channel;
use crate::hex::to_hex;
use crate::limits::EQUAL_TURNS_MAX;
use crate::webhook::{StepToken, Webhook};

/// The identity of one webhook. Two deliveries with equal keys are one event of the carrier.
///
/// Every part is written with its length in front, so that no caller-chosen text in one part can
/// look like the next part.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClaimKey {
    text: String,
    can_begin: bool,
    /// The token of this delivery, where an equal request may be a later turn.
    token: Option<TokenDigest>,
    /// The length of the text without the number of the turn.
    request_bytes: usize,
    /// How many turns of equal requests came before.
    turn: usize,
}

/// A digest of the carrier's idempotency token: all deliveries of one webhook have the same, and
/// the next request of a call has another one, even if it is equal.
///
/// The token is not signed. Two tokens with one digest only make the second delivery a repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TokenDigest(NonZeroU64);

/// Room for the key of a usual message: one allocation instead of several that grow.
const KEY_BYTES: usize = 160;

impl ClaimKey {
    /// The key of a webhook, or `None` where a repeat looks like a new event: a later turn
    /// of a call without an idempotency token. A caller may press the same digit at the same menu
    /// twice, and both count.
    ///
    /// * A message is its MessageSid, and its status where the carrier reports one.
    /// * An event of a conversation is the sid of its message, or of the conversation, and all
    ///   parameters.
    /// * The first turn of a call is its CallSid: the carrier asks while it still rings. A call
    ///   that rings on can take more turns, as after a `<Dial>`: those have all parameters as well.
    /// * A status callback of a call is CallSid, status and sequence number. Any other report about
    ///   a call is CallSid and all parameters.
    /// * A step of a flow is CallSid, the step token in the query, and all parameters: a document
    ///   that a function returned may ask again with the token of the step that it came from.
    /// * Any other later turn is CallSid and the carrier's idempotency token. It is not signed, but
    ///   a changed one only gets what a new webhook would get, and that takes a signature.
    ///
    /// A message, a first turn and a step are also remembered with their token, because a document
    /// may ask for the same request again: see [`ClaimKey::advance`].
    ///
    /// The request target belongs to all of them, because one call may be sent to several of our
    /// routes. So does `ErrorCode`: the carrier's request to a fallback URL is not a repeat of the
    /// request that failed.
    pub fn from_webhook(webhook: &Webhook, channel: Channel) -> Option<ClaimKey> {
        let param = |name| webhook.param(name).unwrap_or_default();
        let params_digest;
        let is_report = channel == Channel::Voice && webhook.is_status_report();
        let can_begin = match channel {
            Channel::Message => true,
            Channel::Voice => webhook.is_before_answer() && !is_report,
        };
        let (turn, number) = match channel {
            // One message has many events in a conversation, so all their parameters count.
            Channel::Message if webhook.params.conversation_event().is_some() => {
                params_digest = digest_params(webhook);
                ("event", params_digest.as_str())
            }
            Channel::Message => ("message", webhook.params.message_status().unwrap_or_default()),
            // Before the first turn: a callback may also say `ringing` or `initiated`.
            Channel::Voice if webhook.param("CallbackSource").is_some() => {
                (param("CallStatus"), param("SequenceNumber"))
            }
            // Recordings, conferences and so on are numbered each in its own way, or not at all.
            Channel::Voice if is_report => {
                params_digest = digest_params(webhook);
                ("report", params_digest.as_str())
            }
            Channel::Voice if webhook.is_before_answer() => {
                // Signed parameters alone: a replay with another token must remain a repeat, unless
                // the stored reply asks for one more request.
                let result = has_verb_result(webhook).then(|| digest_params(webhook));
                params_digest = result.unwrap_or_default();
                ("first", params_digest.as_str())
            }
            Channel::Voice if StepToken::named_by(webhook).is_some() => {
                params_digest = digest_params(webhook);
                ("step", params_digest.as_str())
            }
            Channel::Voice => ("turn", webhook.idempotency_token.as_deref()?),
        };
        let account = webhook.account.as_ref().map_or("", |account| account.sid.as_str());
        let conversation = || webhook.param("ConversationSid").filter(|sid| !sid.is_empty());
        let sid = webhook.sid().or_else(conversation)?;
        let token = match turn {
            "first" | "step" | "message" => webhook.idempotency_token.as_deref(),
            _ => None,
        };
        let mut key = ClaimKey {
            text: String::with_capacity(KEY_BYTES),
            can_begin,
            token: token.map(TokenDigest::new),
            request_bytes: 0,
            turn: 0,
        };
        for part in [channel.name(), account, sid, turn, number, param("ErrorCode"), &webhook.path]
        {
            key.push_part(part);
        }
        for (name, value) in webhook.query.iter() {
            key.push_part(name);
            key.push_part(value);
        }
        key.request_bytes = key.text.len();
        Some(key)
    }

    /// Makes this the key of the next turn with an equal request. `false` after
    /// [`EQUAL_TURNS_MAX`] turns; the key is unchanged then.
    ///
    /// A turn is found only through the one before it, so that none can be left out. It cannot
    /// begin anything by itself: the first key of the request is remembered for that.
    pub(crate) fn advance(&mut self) -> bool {
        if self.turn == EQUAL_TURNS_MAX {
            return false;
        }
        self.turn += 1;
        self.text.truncate(self.request_bytes);
        // One part: the names and values of the query before it come in pairs.
        self.push_part(&format!("turn {}", self.turn));
        self.can_begin = false;
        true
    }

    /// The token of this delivery, where another one may mean another turn.
    /// Whether the delivery that was answered first is another one than this. Without a token on
    /// both sides nothing tells them apart.
    pub(super) fn is_other_delivery(&self, first: Option<TokenDigest>) -> bool {
        first.zip(self.token).is_some_and(|(first, own)| first != own)
    }

    pub(super) fn token(&self) -> Option<TokenDigest> {
        self.token
    }

    /// The key as text. A change of its form makes the claims in a store of a former version
    /// unknown: a repeat right after the upgrade is then taken for new.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether such a webhook can begin an execution, or advance one, whenever it comes: no step
    /// token makes it useless once its reply is dropped.
    pub(super) fn can_begin(&self) -> bool {
        self.can_begin
    }

    fn push_part(&mut self, part: &str) {
        // Writing to a `String` never fails.
        let _ = write!(self.text, "{}:", part.len());
        self.text.push_str(part);
    }
}

// === impl TokenDigest ===

impl TokenDigest {
    /// FNV-1a: stores hold it, so it must be the same in every version.
    fn new(token: &str) -> TokenDigest {
        let step = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        let hash = token.bytes().fold(0xCBF2_9CE4_8422_2325, step);
        TokenDigest(NonZeroU64::new(hash).unwrap_or(NonZeroU64::MIN))
    }

    /// The digest as a number of the store.
    pub(super) fn to_number(self) -> i64 {
        self.0.get().cast_signed()
    }

    /// The digest that a store has as this number.
    pub(super) fn from_number(number: i64) -> Option<TokenDigest> {
        NonZeroU64::new(number.cast_unsigned()).map(TokenDigest)
    }
}

/// The digest of all parameters in the order of their names: a retry may send them in another one.
fn digest_params(webhook: &Webhook) -> String {
    let mut pairs: Vec<(&str, &str)> = webhook.params.iter().collect();
    pairs.sort_unstable();
    let mut hash = Sha256::new();
    for text in pairs.iter().flat_map(|(name, value)| [name, value]) {
        // With its length, so that no end of one text can be the beginning of the next.
        hash.update(text.len().to_le_bytes());
        hash.update(text);
    }
    to_hex(&hash.finalize()[..16])
}

/// Whether a webhook brings what a verb has come to, as the action of `<Dial>` does.
fn has_verb_result(webhook: &Webhook) -> bool {
    const RESULTS: [&str; 6] = ["Dial", "Digits", "Speech", "Recording", "Queue", "Refer"];
    let is_result = |name: &str| RESULTS.iter().any(|result| name.starts_with(result));
    webhook.params.iter().any(|(name, _)| is_result(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhook(query: &[(&str, &str)], params: &[(&str, &str)]) -> Webhook {
        Webhook {
            account: None,
            path: "/sms".to_owned(),
            query: query.iter().copied().collect(),
            params: params.iter().copied().collect(),
            body: Default::default(),
            payload: None,
            idempotency_token: None,
            cookies: String::new(),
        }
    }

    fn key(params: &[(&str, &str)]) -> Option<ClaimKey> {
        ClaimKey::from_webhook(&webhook(&[], params), Channel::Message)
    }

    fn call(query: &[(&str, &str)], status: &str, more: &[(&str, &str)]) -> Option<ClaimKey> {
        let params = [&[("CallSid", "CA1"), ("CallStatus", status)], more].concat();
        ClaimKey::from_webhook(&webhook(query, &params), Channel::Voice)
    }

    #[test]
    fn every_part_has_its_length_in_front() {
        let long = key(&[("MessageSid", "SM34567890123"), ("ErrorCode", &"9".repeat(102))]);
        let expected =
            format!("7:message0:13:SM345678901237:message0:102:{}4:/sms", "9".repeat(102));
        assert_eq!(long.map(|key| key.as_str().to_owned()), Some(expected));
    }

    #[test]
    fn messages_and_first_turns_can_begin() {
        let can_begin = |key: Option<ClaimKey>| key.map(|key| key.can_begin());
        assert_eq!(can_begin(key(&[("MessageSid", "SM1")])), Some(true));
        for status in ["ringing", "queued", "initiated"] {
            assert_eq!(can_begin(call(&[], status, &[])), Some(true));
            let callback = [("CallbackSource", "call-progress-events")];
            assert_eq!(can_begin(call(&[], status, &callback)), Some(false));
        }
        assert_eq!(can_begin(call(&[("step", "t")], "in-progress", &[])), Some(false));
        assert_eq!(call(&[], "in-progress", &[]), None);
        let ended = |number| {
            let callback = [("CallbackSource", "call-progress-events"), ("SequenceNumber", number)];
            call(&[], "completed", &callback)
        };
        assert!(ended("1").is_some() && ended("1") == ended("1") && ended("1") != ended("2"));
    }

    #[test]
    fn an_empty_sid_is_no_key() {
        assert_eq!(key(&[("MessageSid", "")]), None);
        assert_eq!(key(&[("ConversationSid", ""), ("EventType", "onMessageAdded")]), None);
        let first = |params: &[(&str, &str)]| key(params).expect("it has a key");
        let named = [("MessageSid", ""), ("SmsSid", "SM1")];
        assert_eq!(first(&named), first(&[("SmsSid", "SM1")]));
    }

    #[test]
    fn a_call_that_rings_on_takes_more_turns_and_a_repeat_is_none() {
        let ringing = |more: &[(&str, &str)]| call(&[], "ringing", more);
        let no_answer = [("DialCallStatus", "no-answer")];
        assert_eq!(ringing(&[]), ringing(&[("StirVerstat", "No-TN-Validation")]));
        assert_ne!(ringing(&[]), ringing(&no_answer));
        assert_eq!(ringing(&no_answer), ringing(&no_answer));
        assert_ne!(ringing(&no_answer), ringing(&[("DialCallStatus", "busy")]));
    }

    #[test]
    fn reports_about_one_call_have_keys_of_their_own() {
        let recording = |sid: &'static str| {
            call(&[], "in-progress", &[("RecordingSid", sid), ("RecordingStatus", "completed")])
        };
        assert!(recording("RE1").is_some() && recording("RE1") == recording("RE1"));
        assert_ne!(recording("RE1"), recording("RE2"));
        let event = |kind: &'static str| {
            key(&[("ConversationSid", "CH1"), ("MessageSid", "IM1"), ("EventType", kind)])
        };
        assert_eq!(event("onMessageAdded"), event("onMessageAdded"));
        assert_ne!(event("onMessageAdded"), event("onMessageUpdated"));
        assert!(key(&[("ConversationSid", "CH1"), ("EventType", "onConversationAdded")]).is_some());
    }

    #[test]
    fn a_digest_is_of_the_whole_key_and_says_what_can_begin() {
        use super::super::key_digest::claim_digest;
        let digest = |key: Option<ClaimKey>| claim_digest(&key.expect("it has a key"));
        let message = |number: u8| digest(key(&[("MessageSid", &number.to_string())]));
        let step = |number: u8| digest(call(&[("step", &number.to_string())], "in-progress", &[]));
        for number in 0..16 {
            assert_eq!((message(number) >> 127, step(number) >> 127), (1, 0));
            assert_ne!(message(number), message(number + 1));
            assert_ne!(step(number), step(number + 1));
        }
    }

    #[test]
    fn a_step_is_its_token_and_its_parameters_in_any_order() {
        let step = |token, more: &[_]| call(&[("step", token)], "in-progress", more);
        let (digits, from) = (("Digits", "1"), ("From", "2"));
        assert_eq!(step("t", &[digits, from]), step("t", &[from, digits]));
        assert_ne!(step("t", &[digits]), step("u", &[digits]));
        assert_ne!(step("t", &[digits]), step("t", &[("Digits", "2")]));
        // 32 digits of a hash, not of another length.
        let text = step("t", &[]).map(|key| key.as_str().to_owned()).unwrap_or_default();
        assert!(text.starts_with("5:voice0:3:CA14:step32:"), "{text}");
    }

    #[test]
    fn a_digest_of_a_token_is_the_same_in_every_version() {
        let digest = TokenDigest::new("foobar");
        assert_eq!(digest.to_number().cast_unsigned(), 0x8594_4171_f739_67e8);
        assert_eq!(TokenDigest::from_number(digest.to_number()), Some(digest));
        assert_eq!(TokenDigest::from_number(0), None);
    }

    #[test]
    fn equal_turns_have_keys_of_their_own_up_to_a_limit() {
        let first = call(&[], "ringing", &[]).expect("it has a key");
        let mut turn = first.clone();
        let mut texts = vec![first.text];
        while turn.advance() {
            assert!(!turn.can_begin());
            texts.push(turn.text.clone());
        }
        assert_eq!(texts.len(), EQUAL_TURNS_MAX + 1);
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), EQUAL_TURNS_MAX + 1);
        // A query cannot look like the number of a turn.
        let named = call(&[("turn 1", "")], "ringing", &[]).expect("it has a key");
        assert!(!texts.contains(&named.text));
    }

    #[test]
    fn each_status_of_a_message_is_claimed_once() {
        let status = |status| key(&[("MessageSid", "SM1"), ("MessageStatus", status)]);
        assert_eq!(status("sent"), status("sent"));
        assert_ne!(status("sent"), status("delivered"));
        assert_ne!(status("sent"), key(&[("MessageSid", "SM1")]));
    }
}
