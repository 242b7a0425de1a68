//! Requests to refuse, in classes of two that differ in one thing.

use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use twimlgate::config::HmacAlgorithm;
use twimlgate::secret::Secret;
use twimlgate::verify::{SigningKey, sign_form};
use twimlgate::webhook::{Params, Received};

use crate::carrier::{PUBLIC_URL, SID, TOKEN};
use crate::rng::Rng;

/// Two classes whose times are compared.
pub(super) struct Pair {
    pub(super) name: &'static str,
    /// A difference that is less, in nanoseconds, is none.
    pub(super) least: f64,
    /// Makes a request of class 0 or 1.
    pub(super) make: fn(&Requests, usize, &mut Rng) -> Refused,
}

/// All of them. What is secret must not be told by anything. Which accounts there are must not be
/// told by what the network lets through: to look at one key takes 550 ns in place of another, but
/// other accounts are other memory, and some nanoseconds of caches and of predicted branches are
/// found by a million measurements without a network.
pub(super) const PAIRS: [Pair; 4] = [
    Pair {
        name: "first or last byte wrong",
        least: 0.0,
        make: |it, class, rng| it.byte([0, 19][class], rng),
    },
    Pair { name: "all but one byte wrong, or one", least: 0.0, make: Requests::bytes },
    Pair {
        name: "an account with one token, or none",
        least: 50.0,
        make: |it, class, rng| it.account([Some(SID), None][class], rng),
    },
    Pair {
        name: "an account with two tokens, or none",
        least: 50.0,
        make: |it, class, rng| it.account([Some(TWO_TOKENS), None][class], rng),
    },
];

const TWO_TOKENS: &str = "AC22222222222222222222222222222222";

/// An account whose token is being rotated, beside that of all campaigns.
pub(super) const MORE_ACCOUNTS: &str = "[[account]]\nsid = \"AC22222222222222222222222222222222\"\n\
     auth_tokens = [\"22222222222222222222222222222222\", \"33333333333333333333333333333333\"]\n";

/// How many messages there are: what one of them costs more than another is in both classes.
const MESSAGES: u64 = 64;

/// Messages, and what would be right for them.
pub(super) struct Requests(Vec<(Params, Vec<u8>)>);

/// A request that is refused, but for those of [`Requests::right`].
pub(super) struct Refused {
    body: String,
    signature: String,
}

impl Requests {
    pub(super) fn new(rng: &mut Rng) -> Requests {
        let key = SigningKey::new(&Secret::new(TOKEN.to_owned()), HmacAlgorithm::Sha1);
        let messages = (0..MESSAGES).map(|_| {
            let params = message(SID, rng);
            let signature = sign_form(&key, &format!("{PUBLIC_URL}/chat"), params.iter());
            (params, STANDARD.decode(signature).unwrap_or_default())
        });
        Requests(messages.collect())
    }

    /// Every message as it was signed. What is wrong in one byte says something only when this is
    /// accepted: otherwise both classes are wrong from the first byte on.
    pub(super) fn right(&self) -> impl Iterator<Item = Refused> {
        self.0.iter().map(|(params, right)| Refused {
            body: params.encode(),
            signature: STANDARD.encode(right),
        })
    }

    /// A message, with a signature of which one byte is wrong.
    fn byte(&self, at: usize, rng: &mut Rng) -> Refused {
        let (params, right) = self.any(rng);
        let mut wrong = right.clone();
        wrong[at] ^= 1 + rng.below(255) as u8;
        Refused { body: params.encode(), signature: STANDARD.encode(wrong) }
    }

    /// A message, with a signature of which nothing but the last byte is right, or all but that.
    fn bytes(&self, class: usize, rng: &mut Rng) -> Refused {
        let (params, right) = self.any(rng);
        let mut wrong = right.clone();
        let ends = [0..19, 19..20];
        for byte in &mut wrong[ends[class].clone()] {
            *byte ^= 1 + rng.below(255) as u8;
        }
        Refused { body: params.encode(), signature: STANDARD.encode(wrong) }
    }

    /// A message of an account, or of one that is not configured, with any signature.
    fn account(&self, sid: Option<&str>, rng: &mut Rng) -> Refused {
        // Drawn in both cases, so that both are made in the same way.
        let unknown = rng.sid("AC");
        let body = message(sid.unwrap_or(&unknown), rng).encode();
        let wrong: Vec<u8> = (0..20).map(|_| rng.below(256) as u8).collect();
        Refused { body, signature: STANDARD.encode(wrong) }
    }

    fn any(&self, rng: &mut Rng) -> &(Params, Vec<u8>) {
        &self.0[rng.below(MESSAGES) as usize]
    }
}

fn message(account: &str, rng: &mut Rng) -> Params {
    let (sid, city) = (rng.sid("SM"), rng.sid("Berlin"));
    let pairs = [
        ("AccountSid", account),
        ("ApiVersion", "2010-04-01"),
        ("Body", &city),
        ("From", "+15550100"),
        ("MessageSid", &sid),
        ("NumMedia", "0"),
        ("To", "+15550199"),
    ];
    pairs.into_iter().collect()
}

const FORM: &str = "application/x-www-form-urlencoded; charset=UTF-8";

impl Refused {
    /// As the check gets it.
    pub(super) fn received(self) -> Received {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("host", "phone.example.com"),
            ("content-type", FORM),
            ("x-twilio-signature", &self.signature),
        ] {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        let (target, body) = ("/chat".to_owned(), self.body.into());
        Received { method: Method::POST, target, headers, peer: None, body }
    }

    /// As it goes over the wire.
    pub(super) fn bytes(self) -> Vec<u8> {
        let Refused { body, signature } = self;
        let length = body.len();
        let head = format!(
            "POST /chat HTTP/1.1\r\nHost: phone.example.com\r\nContent-Type: {FORM}\r\n\
             X-Twilio-Signature: {signature}\r\nContent-Length: {length}\r\n\r\n"
        );
        (head + &body).into_bytes()
    }
}
