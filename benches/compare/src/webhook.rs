//! Webhooks as Twilio sends them for a call, each one new and correctly signed.
//!
//! Each has its own CallSid and idempotency token, so that nobody can answer from what he stored.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// The account's token, which the servers under test are given too.
pub const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// The parameters of a call, `NAME=VALUE` in each line, in wire order, which is not the order of
/// signing. The CallToken is shorter than Twilio's, so that the form has the 600 bytes of a webhook
/// without one.
const PARAMETERS: &str = include_str!("../documents/call.txt");

/// Makes one webhook after the other in the same memory.
pub struct Webhooks {
    request: Vec<u8>,
    /// Where in `request` the changing parts stand.
    call_sid: usize,
    idempotency: usize,
    signature: usize,
    /// HMAC over everything that is signed before the CallSid's digits: it never changes.
    before: Hmac<Sha1>,
    /// What is signed after them.
    after: Vec<u8>,
    /// Digits that tell this process from every other one.
    run: u64,
    made: u64,
}

impl Webhooks {
    /// Webhooks to `path` at `host`, signed for `signed_url`.
    pub fn new(host: &str, path: &str, signed_url: &str) -> Webhooks {
        let body = form();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\n\
             Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n\
             Content-Length: {}\r\nUser-Agent: TwilioProxy/1.1\r\nAccept: */*\r\n\
             X-Home-Region: us1\r\nX-Twilio-Signature: {:28}\r\n\
             I-Twilio-Idempotency-Token: 00000000-0000-4000-8000-000000000000\r\n\r\n{body}",
            body.len(),
            "",
        );
        let after = |text: &str| request.find(text).expect("it was just written") + text.len();
        let (before, rest) = signed(signed_url);
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Webhooks {
            call_sid: after("CallSid=CA"),
            idempotency: after("Idempotency-Token: "),
            signature: after("X-Twilio-Signature: "),
            before,
            after: rest.into_bytes(),
            run: since.as_nanos() as u64,
            made: 0,
            request: request.into_bytes(),
        }
    }

    /// A new webhook, ready to be sent.
    pub fn make(&mut self) -> &[u8] {
        self.made += 1;
        let digits = hex(self.run, self.made);
        let mut mac = self.before.clone();
        mac.update(&digits);
        mac.update(&self.after);
        let signature = &mut self.request[self.signature..self.signature + 28];
        let written = STANDARD.encode_slice(mac.finalize().into_bytes(), signature);
        debug_assert_eq!(written, Ok(28));
        self.request[self.call_sid..self.call_sid + 32].copy_from_slice(&digits);
        // Only the parts of the UUID that carry no dashes and no version change.
        self.request[self.idempotency..self.idempotency + 8].copy_from_slice(&digits[8..16]);
        self.request[self.idempotency + 24..self.idempotency + 36].copy_from_slice(&digits[20..]);
        &self.request
    }

    /// A new webhook of which one byte was altered after signing.
    pub fn make_altered(&mut self) -> Vec<u8> {
        let mut request = self.make().to_vec();
        let last = request.last_mut().expect("a request is not empty");
        *last = if *last == b'A' { b'B' } else { b'A' };
        request
    }
}

/// The parameters by name, in wire order.
fn parameters() -> impl Iterator<Item = (&'static str, &'static str)> {
    PARAMETERS.lines().filter_map(|line| line.split_once('='))
}

/// The parameters as a form.
fn form() -> String {
    let pairs = parameters().map(|(name, value)| {
        let mut pair = format!("{name}=");
        value.bytes().for_each(|byte| encode(byte, &mut pair));
        pair
    });
    pairs.collect::<Vec<_>>().join("&")
}

fn encode(byte: u8, form: &mut String) {
    match byte {
        b' ' => form.push('+'),
        b'-' | b'.' | b'_' | b'*' => form.push(char::from(byte)),
        _ if byte.is_ascii_alphanumeric() => form.push(char::from(byte)),
        _ => form.push_str(&format!("%{byte:02X}")),
    }
}

/// The prepared HMAC up to the digits of the CallSid, and the text that is signed after them.
fn signed(url: &str) -> (Hmac<Sha1>, String) {
    let mut parameters: Vec<_> = parameters().collect();
    parameters.sort_unstable();
    let text = parameters.iter().fold(url.to_owned(), |text, (name, value)| text + name + value);
    let digits = text.rfind("CallSidCA").expect("CallSid is a parameter") + "CallSidCA".len();
    let mut mac = Hmac::new_from_slice(TOKEN.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(&text.as_bytes()[..digits]);
    (mac, text[digits + 32..].to_owned())
}

/// 32 hexadecimal digits.
fn hex(run: u64, made: u64) -> [u8; 32] {
    let number = u128::from(run) << 64 | u128::from(made);
    std::array::from_fn(|at| {
        let digit = (number >> (124 - 4 * at)) as usize & 15;
        b"0123456789abcdef"[digit]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Signs a request anew, from what it says.
    fn expected_signature(url: &str, request: &str) -> String {
        let digits = &request[request.find("CallSid=CA").unwrap() + 8..][..34];
        let mut parameters: Vec<(&str, String)> =
            parameters().map(|(name, value)| (name, value.to_owned())).collect();
        parameters.iter_mut().find(|pair| pair.0 == "CallSid").unwrap().1 = digits.to_owned();
        parameters.sort();
        let mut mac: Hmac<Sha1> = Hmac::new_from_slice(TOKEN.as_bytes()).unwrap();
        mac.update(url.as_bytes());
        parameters
            .iter()
            .for_each(|(name, value)| mac.update((name.to_string() + value).as_bytes()));
        STANDARD.encode(mac.finalize().into_bytes())
    }

    #[test]
    fn each_webhook_is_new_and_signed() {
        let url = "https://phone.example.com/voice";
        let mut webhooks = Webhooks::new("127.0.0.1:1", "/voice", url);
        let first = String::from_utf8(webhooks.make().to_vec()).unwrap();
        let second = String::from_utf8(webhooks.make().to_vec()).unwrap();
        for request in [&first, &second] {
            let signature = format!("X-Twilio-Signature: {}\r\n", expected_signature(url, request));
            assert!(request.contains(&signature), "{request}");
        }
        let changed = |name: &str| {
            let line = |text: &str| text.split(name).nth(1).unwrap()[..40].to_owned();
            line(&first) != line(&second)
        };
        assert!(changed("CallSid=") && changed("Idempotency-Token: "));
    }

    #[test]
    fn it_has_the_size_of_a_real_one() {
        let body = form();
        assert_eq!(body.split('&').count(), 20);
        assert!((560..640).contains(&body.len()), "{} bytes", body.len());
    }
}
