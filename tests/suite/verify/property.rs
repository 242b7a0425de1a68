//! Any change of a signed request is refused: random requests, random changes, always the same.

use actix_web::http::Method;
use twimlgate::config::{HmacAlgorithm, SignatureMode};
use twimlgate::secret::Secret;
use twimlgate::verify::{SigningKey, VerifyError, add_body_hash, sign_url};
use twimlgate::webhook::Params;

use super::{Request, account, server, verifier};

/// xorshift64*: the same numbers in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn text(&mut self, characters: &str, length: usize) -> String {
        let characters: Vec<char> = characters.chars().collect();
        (0..length).map(|_| characters[self.below(characters.len())]).collect()
    }
}

const NASTY: &str = "abcXYZ019 +%&=;#?/\\'\"<>\u{0}\u{7}\r\n\téñ漢👋";
const NAMES: &str = "abAB_1";
const TARGET: &str = "abcXYZ019-._~%/+:@!$'()*,;=&?";

/// What one request is made of.
struct Made {
    token: String,
    request: Request,
}

fn signed(random: &mut Random) -> Made {
    let token = random.text("0123456789abcdef", 32);
    let target = {
        let length = random.below(30) + 1;
        format!("/x{}", random.text(TARGET, length))
    };
    let url = format!("https://gw.example.com{target}");
    let request = match random.below(4) {
        0 => Request::get(&target).signed(&token, &url),
        1 => {
            let body = {
                let length = random.below(50);
                random.text(NASTY, length)
            };
            let url = add_body_hash(&url.replace("bodySHA256", ""), body.as_bytes()).unwrap();
            let target = url.strip_prefix("https://gw.example.com").unwrap();
            Request::json(target, &body).signed(&token, &url)
        }
        _ => {
            let pairs: Vec<(String, String)> = (0..random.below(12))
                .map(|_| {
                    let (name, value) = (random.below(4) + 1, random.below(8));
                    (random.text(NAMES, name), random.text(NASTY, value))
                })
                .collect();
            let pairs: Vec<_> = pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            Request::post(&target, &pairs).signed(&token, &url)
        }
    };
    Made { token, request }
}

fn refusal(token: &str, request: &Request) -> Option<VerifyError> {
    let server = server("public_url = \"https://gw.example.com\"");
    let accounts = vec![account(super::SID, &[token])];
    request.refusal(&verifier(&server, SignatureMode::Enforce, accounts))
}

/// The text with one byte changed to another visible one.
fn one_changed(random: &mut Random, text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let at = random.below(characters.len());
    let other = loop {
        let other = char::from(b'!' + random.below(94) as u8);
        if other != characters[at] {
            break other;
        }
    };
    characters.iter().enumerate().map(|(i, c)| if i == at { other } else { *c }).collect()
}

#[test]
fn what_was_signed_is_accepted_and_one_changed_byte_is_refused() {
    let mut random = Random(0x7457_696d_6c67_6174);
    for round in 0..4_000 {
        let Made { token, request } = signed(&mut random);
        assert_eq!(refusal(&token, &request), None, "round {round}");

        let mut changed = request.clone();
        let signature = changed.headers.len() - 1;
        let mut key = token.clone();
        match random.below(4) {
            0 => key = one_changed(&mut random, &token),
            1 => {
                let path = one_changed(&mut random, &request.target[1..]);
                changed.target = format!("/{path}");
            }
            2 => {
                let value = one_changed(&mut random, &request.headers[signature].1);
                changed.headers[signature].1 = value;
            }
            _ if request.body.is_empty() || request.method == Method::GET => continue,
            _ => {
                let at = random.below(changed.body.len());
                changed.body[at] ^= 1 << random.below(8);
                // What decodes to the same parameters, however written, is the same request.
                let params = |body: &[u8]| {
                    let mut pairs: Vec<(String, String)> = Params::decode(body)
                        .ok()?
                        .iter()
                        .map(|(name, value)| (name.to_owned(), value.to_owned()))
                        .collect();
                    pairs.sort();
                    pairs.dedup();
                    Some(pairs.into_iter().map(|(name, value)| name + &value).collect::<String>())
                };
                let form = request.headers[0].1 == super::FORM;
                if form && params(&request.body) == params(&changed.body) {
                    continue;
                }
            }
        }
        assert!(refusal(&key, &changed).is_some(), "round {round}: {:?}", changed.target);
    }
}

#[test]
fn no_random_signature_fits() {
    let mut random = Random(0x1234_5678_9abc_def1);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let request = Request::post("/sms", &[("Body", "x")]);
    let server = server("public_url = \"https://gw.example.com\"");
    let verifier = verifier(&server, SignatureMode::Enforce, vec![account(super::SID, &["12345"])]);
    let key = SigningKey::new(&Secret::new("12345".to_owned()), HmacAlgorithm::Sha1);
    let of_the_url = sign_url(&key, "https://gw.example.com/sms");
    let forged = request.clone().header("x-twilio-signature", of_the_url);
    assert_eq!(forged.refusal(&verifier), Some(VerifyError::SignatureWrong));
    for _ in 0..20_000 {
        let length = random.below(48);
        let signature = random.text(alphabet, length.max(26)) + ["", "=", "=="][random.below(3)];
        let forged = request.clone().header("x-twilio-signature", signature);
        assert!(forged.refusal(&verifier).is_some());
    }
}
