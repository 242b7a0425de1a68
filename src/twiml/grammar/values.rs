//! The types of TwiML's attributes, and the closed lists of words. Data: no checks here.

/// The type of an attribute: the values that it accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributeType {
    /// Any text. Also a list of words that the carrier extends without notice, such as voices.
    Any,
    /// Any text of at most this many characters.
    UpTo(usize),
    /// An `http` or `https` URL, absolute or relative; empty means the current document.
    Url,
    /// A `wss` URL, absolute or relative.
    SocketUrl,
    /// `GET` or `POST`.
    Method,
    /// `true` or `false`.
    Bool,
    /// A whole number within these bounds, both included.
    Int {
        /// The least number.
        min: u32,
        /// The greatest number.
        max: u32,
    },
    /// A whole number from 1, or `auto`.
    IntOrAuto,
    /// Whole numbers, with spaces between them.
    Ints,
    /// One key of a telephone (`0`-`9`, `#`, `*`), or none.
    Key,
    /// Keys of a telephone, `A`-`D`, and `w` and `W` for pauses.
    Tones,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Some of these words, with spaces between them.
    ListOf(&'static [&'static str]),
}

pub(super) const TEXT: AttributeType = AttributeType::Any;
/// A list of words that is not closed: named apart from `TEXT`, as the libraries have it.
pub(super) const OPEN: AttributeType = AttributeType::Any;
pub(super) const URL: AttributeType = AttributeType::Url;
pub(super) const SOCKET_URL: AttributeType = AttributeType::SocketUrl;
pub(super) const METHOD: AttributeType = AttributeType::Method;
pub(super) const BOOL: AttributeType = AttributeType::Bool;
pub(super) const INT: AttributeType = from(0);
pub(super) const INT_OR_AUTO: AttributeType = AttributeType::IntOrAuto;
pub(super) const INTS: AttributeType = AttributeType::Ints;
pub(super) const KEY: AttributeType = AttributeType::Key;
pub(super) const TONES: AttributeType = AttributeType::Tones;

/// A whole number from `min` on.
pub(super) const fn from(min: u32) -> AttributeType {
    within(min, u32::MAX)
}

/// A whole number within bounds.
pub(super) const fn within(min: u32, max: u32) -> AttributeType {
    AttributeType::Int { min, max }
}

/// A text of at most `characters`.
pub(super) const fn up_to(characters: usize) -> AttributeType {
    AttributeType::UpTo(characters)
}

/// Declares closed lists: `NAME: "word" "word";`.
macro_rules! words {
    ($($name:ident: $($word:literal)+;)*) => {
        $(pub(super) const $name: &[&str] = &[$($word),+];)*
    };
}

words! {
    CALL_EVENTS: "initiated" "ringing" "answered" "completed";
    CARD_TYPES: "visa" "mastercard" "amex" "maestro" "discover" "optima" "jcb" "diners-club"
        "enroute";
    CONFERENCE_BEEP: "true" "false" "onEnter" "onExit";
    CONFERENCE_EVENT: "start" "end" "join" "leave" "mute" "hold" "modify" "speaker" "announcement";
    CONFERENCE_JITTER_BUFFER_SIZE: "large" "medium" "small" "off";
    CONFERENCE_RECORD: "do-not-record" "record-from-start";
    CONVERSATION_EVENT: "call-initiated" "call-ringing" "call-in-progress" "call-answered"
        "call-completed";
    DIAL_EVENTS: "call-progress-event";
    DIAL_RECORD: "do-not-record" "record-from-answer" "record-from-ringing"
        "record-from-answer-dual" "record-from-ringing-dual" "true" "false";
    GATHER_INPUT: "dtmf" "speech";
    PAY_BANK_ACCOUNT_TYPE: "consumer-checking" "consumer-savings" "commercial-checking"
        "commercial-savings";
    PAY_INPUT: "dtmf";
    PAY_PAYMENT_METHOD: "ach-debit" "credit-card";
    PAY_TOKEN_TYPE: "one-time" "reusable" "payment-method";
    PROMPT_ERROR_TYPE: "timeout" "invalid-card-number" "invalid-card-type" "invalid-date"
        "invalid-security-code" "internal-error" "input-matching-failed";
    PROMPT_FOR: "payment-card-number" "expiration-date" "security-code" "postal-code"
        "payment-processing" "bank-account-number" "bank-routing-number";
    RECORDING_CHANNELS: "mono" "dual";
    RECORDING_EVENTS: "in-progress" "completed" "absent";
    RECORDING_TRACKS: "inbound" "outbound" "both";
    REJECT_REASON: "rejected" "busy";
    SSML_BREAK_STRENGTH: "none" "x-weak" "weak" "medium" "strong" "x-strong";
    SSML_EMPHASIS_LEVEL: "strong" "moderate" "reduced";
    SSML_PHONEME_ALPHABET: "ipa" "x-sampa" "x-amazon-jyutping" "x-amazon-pinyin"
        "x-amazon-pron-kana" "x-amazon-yomigana";
    SSML_SAY_AS_FORMAT: "mdy" "dmy" "ymd" "md" "dm" "ym" "my" "d" "m" "y" "yyyymmdd";
    SSML_SAY_AS_INTERPRET_AS: "characters" "spell-out" "cardinal" "number" "ordinal" "digits"
        "fraction" "unit" "date" "time" "address" "expletive" "telephone";
    TRACKS: "inbound_track" "outbound_track" "both_tracks";
    TRIM: "trim-silence" "do-not-trim";
}
