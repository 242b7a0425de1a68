//! A webhook as it goes over the wire, part by part, so that each part can be altered.

use std::collections::BTreeSet;
use std::fmt;

use twimlgate::channel::Channel;
use twimlgate::config::HmacAlgorithm;
use twimlgate::secret::Secret;
use twimlgate::verify::{SigningKey, add_body_hash, sign_form};
use twimlgate::webhook::Params;

use crate::carrier::{Ask, PUBLIC_URL, SID, TOKEN};
use crate::rng::Rng;
use crate::talk::Talk;

pub(super) const FORM: &str = "application/x-www-form-urlencoded; charset=UTF-8";

/// The header that names a SharedKey: with it, the auth token has not signed.
pub(super) const SETTINGS: &str = "X-Twilio-Webhooks-Signature-Settings";

/// Names and values.
pub(super) type Pairs = Vec<(String, String)>;

/// A request, and the signature that it claims.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) method: &'static str,
    pub(super) target: String,
    pub(super) host: String,
    /// Each value of `Content-Type`.
    pub(super) types: Vec<String>,
    /// Each value of `X-Twilio-Signature`.
    pub(super) signatures: Vec<String>,
    /// Other header lines.
    pub(super) lines: Vec<String>,
    pub(super) body: Vec<u8>,
    /// The length that is announced, where it is not the body's.
    pub(super) announced: Option<usize>,
}

/// What the carrier sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// The first webhook of a call; and the same to a number that is set to GET.
    Call,
    CallByGet,
    /// A key that is pressed: a step's token is in the URL.
    Turn,
    /// How a call goes that nobody asked about.
    CallStatus,
    Message,
    MessageByGet,
    MessageStatus,
    /// JSON, which its hash in the URL covers.
    Event,
}

pub(super) const KINDS: [Kind; 8] = [
    Kind::Call,
    Kind::CallByGet,
    Kind::Turn,
    Kind::CallStatus,
    Kind::Message,
    Kind::MessageByGet,
    Kind::MessageStatus,
    Kind::Event,
];

impl Kind {
    /// Which documents it is answered with.
    pub(super) fn channel(self) -> Channel {
        match self {
            Kind::Call | Kind::CallByGet | Kind::Turn | Kind::CallStatus => Channel::Voice,
            Kind::Message | Kind::MessageByGet | Kind::MessageStatus | Kind::Event => {
                Channel::Message
            }
        }
    }

    /// Whether the function is called for it, where it is signed.
    pub(super) fn calls(self) -> bool {
        !matches!(self, Kind::CallStatus | Kind::MessageStatus)
    }

    /// A webhook of this kind, rightly signed. `turn` is the next one of the call that goes on.
    pub(super) fn signed(self, turn: &Ask, rng: &mut Rng) -> Request {
        let method = match self {
            Kind::CallByGet | Kind::MessageByGet => "GET",
            _ => "POST",
        };
        let mut request = Request {
            method,
            target: String::new(),
            host: "phone.example.com".to_owned(),
            types: Vec::new(),
            signatures: Vec::new(),
            lines: vec![format!("I-Twilio-Idempotency-Token: {}", rng.sid(""))],
            body: Vec::new(),
            announced: None,
        };
        match self {
            Kind::Event => request.event(rng),
            Kind::Turn => {
                request.target.clone_from(&turn.target);
                request.lines = vec![format!("I-Twilio-Idempotency-Token: {}", turn.token)];
                request.set_pairs(turn.params.clone());
            }
            _ => {
                let path = if self.channel() == Channel::Voice { "/call" } else { "/chat" };
                path.clone_into(&mut request.target);
                request.set_pairs(self.pairs(rng));
            }
        }
        request.sign(TOKEN, PUBLIC_URL);
        request
    }

    fn pairs(self, rng: &mut Rng) -> Pairs {
        let channel = self.channel();
        let ask = Talk::on(channel, rng.below(9_000_000_000), rng).ask(&text(rng), rng);
        let mut pairs = ask.params;
        let mut add = |name: &str, value: String| pairs.push((name.to_owned(), value));
        add("ApiVersion", "2010-04-01".to_owned());
        add("FromCity", text(rng));
        add("CallerName", if rng.one_in(2) { String::new() } else { text(rng) });
        match self {
            Kind::CallStatus => {
                add("CallbackSource", "call-progress-events".to_owned());
                add("SequenceNumber", rng.below(4).to_string());
            }
            Kind::MessageStatus => add("MessageStatus", "delivered".to_owned()),
            _ => {}
        }
        pairs
    }
}

/// Words with what has to be escaped somewhere.
fn text(rng: &mut Rng) -> String {
    const PIECES: [&str; 12] =
        ["Ada", "b", "X1", " ", "é", "漢", "👋", "&", "=", "+", "%41", "\"<Say>"];
    let length = 1 + rng.below(6);
    (0..length).map(|_| PIECES[rng.below(PIECES.len() as u64) as usize]).collect()
}

impl Request {
    fn event(&mut self, rng: &mut Rng) {
        let id = rng.sid("EZ");
        self.body = format!("{{\"id\":\"{id}\",\"kind\":\"call\",\"ok\":true}}").into_bytes();
        self.types = vec!["application/json".to_owned()];
        let url = add_body_hash(&format!("/event?AccountSid={SID}"), &self.body);
        self.target = url.unwrap_or_default();
    }

    pub(super) fn is_form(&self) -> bool {
        self.method == "POST" && self.types == [FORM]
    }

    /// JSON.
    pub(super) fn is_event(&self) -> bool {
        self.method == "POST" && !self.is_form()
    }

    pub(super) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The carrier's parameters: the form's, or a GET's query.
    pub(super) fn pairs(&self) -> Pairs {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        let text = if self.is_form() { &self.body[..] } else { query.as_bytes() };
        let params = Params::decode(text).unwrap_or_default();
        params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    pub(super) fn set_pairs(&mut self, pairs: Pairs) {
        let params: Params = pairs.into_iter().collect();
        let text = params.encode();
        match self.method {
            "GET" => self.target = format!("{}?{text}", self.path()),
            _ => {
                self.types = vec![FORM.to_owned()];
                self.body = text.into_bytes();
            }
        }
    }

    /// Signs it as it is, as if it had been sent to this origin.
    pub(super) fn sign(&mut self, token: &str, origin: &str) {
        let url = format!("{origin}{}", self.target);
        self.sign_over(token, &url);
    }

    /// The same over another URL.
    pub(super) fn sign_over(&mut self, token: &str, url: &str) {
        let pairs = if self.is_form() { self.pairs() } else { Pairs::new() };
        let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        self.signatures = vec![sign_form(&key(token, HmacAlgorithm::Sha1), url, pairs)];
    }

    /// The text that a signature of it covers, put together as the carrier's page says: a second,
    /// plain reading, so that an alteration that changes nothing of it is known as one.
    fn covered(&self) -> String {
        let mut covered = self.target.clone();
        if self.is_form() {
            let pairs: BTreeSet<(String, String)> = self.pairs().into_iter().collect();
            pairs.into_iter().for_each(|(name, value)| covered += &(name + &value));
        } else if self.is_event()
            && add_body_hash(&self.target, &self.body) != Some(covered.clone())
        {
            covered += "\0and a body that nothing covers";
        }
        covered
    }

    /// Whether it differs from what was signed in a way that the scheme can see.
    pub(super) fn differs(&self, signed: &Request) -> bool {
        self.signatures != signed.signatures
            || self.covered() != signed.covered()
            || self.lines.iter().any(|line| line.starts_with(SETTINGS))
    }

    /// What goes over the wire.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut head =
            format!("{} {} HTTP/1.1\r\nHost: {}\r\n", self.method, self.target, self.host);
        let mut add = |name: &str, value: &str| head += &format!("{name}: {value}\r\n");
        self.types.iter().for_each(|value| add("Content-Type", value));
        self.signatures.iter().for_each(|value| add("X-Twilio-Signature", value));
        let length = self.announced.unwrap_or(self.body.len());
        if self.method != "GET" || length > 0 {
            add("Content-Length", &length.to_string());
        }
        self.lines.iter().for_each(|line| head += &format!("{line}\r\n"));
        head += "Connection: close\r\n\r\n";
        [head.as_bytes(), &self.body].concat()
    }
}

impl fmt::Display for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.bytes();
        let shown = &bytes[..bytes.len().min(2_000)];
        formatter.write_str(&String::from_utf8_lossy(shown).escape_debug().to_string())
    }
}

/// A key of a secret that may be any text.
pub(super) fn key(secret: &str, algorithm: HmacAlgorithm) -> SigningKey {
    SigningKey::new(&Secret::new(secret.to_owned()), algorithm)
}
