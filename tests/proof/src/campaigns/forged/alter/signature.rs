//! Alterations of the signature, of its header, and of the key that makes it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use twimlgate::config::HmacAlgorithm;
use twimlgate::verify::{sign_form, sign_url};

use super::super::request::{Request, SETTINGS, key};
use super::super::{OTHER_SID, OTHER_TOKEN};
use super::{Alteration, named, refused};
use crate::carrier::{PUBLIC_URL, SID, TOKEN};

/// Writes the signature in another way.
fn written(request: &mut Request, change: impl FnOnce(&str) -> String) -> Option<()> {
    let changed = change(request.signatures.first()?);
    request.signatures = vec![changed];
    Some(())
}

/// Changes the bytes of the signature.
fn bytes(request: &mut Request, change: impl FnOnce(&mut Vec<u8>)) -> Option<()> {
    let mut bytes = STANDARD.decode(request.signatures.first()?).ok()?;
    change(&mut bytes);
    request.signatures = vec![STANDARD.encode(bytes)];
    Some(())
}

/// Signs with another secret.
fn secret(request: &mut Request, secret: &str) -> Option<()> {
    request.sign(secret, PUBLIC_URL);
    Some(())
}

/// Signs some text.
fn over(request: &mut Request, text: &str) -> Option<()> {
    request.signatures = vec![sign_url(&key(TOKEN, HmacAlgorithm::Sha1), text)];
    Some(())
}

/// The signature with SHA-256 in place of SHA-1.
fn sha256(request: &mut Request) -> Option<()> {
    let pairs = if request.is_form() { request.pairs() } else { Vec::new() };
    let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let url = format!("{PUBLIC_URL}{}", request.target);
    request.signatures = vec![sign_form(&key(TOKEN, HmacAlgorithm::Sha256), &url, pairs)];
    Some(())
}

fn settings(request: &mut Request, value: &str) -> Option<()> {
    request.lines.push(format!("{SETTINGS}: {value}"));
    Some(())
}

/// All of them.
pub(super) const ALL: [Alteration; 52] = [
    refused("no signature", |request, _, _| {
        request.signatures.clear();
        Some(())
    }),
    refused("an empty signature", |request, _, _| written(request, |_| String::new())),
    refused("a cut signature", |request, _, rng| {
        let length = rng.below(28) as usize;
        written(request, |right| right[..length].to_owned())
    }),
    refused("a signature cut to whole bytes", |request, _, rng| {
        let length = rng.below(20) as usize;
        bytes(request, |bytes| bytes.truncate(length))
    }),
    refused("a prolonged signature", |request, _, _| bytes(request, |bytes| bytes.push(0))),
    refused("a signature of 32 bytes", |request, _, _| bytes(request, |bytes| bytes.resize(32, 0))),
    refused("another bit", |request, _, rng| {
        let bit = rng.below(160) as usize;
        bytes(request, |bytes| bytes[bit / 8] ^= 1 << (bit % 8))
    }),
    refused("another first byte", |request, _, rng| {
        let by = 1 + rng.below(255) as u8;
        bytes(request, |bytes| bytes[0] ^= by)
    }),
    refused("another last byte", |request, _, rng| {
        let by = 1 + rng.below(255) as u8;
        bytes(request, |bytes| bytes[19] ^= by)
    }),
    refused("nothing right but the first bytes", |request, _, rng| {
        let right = 1 + rng.below(19) as usize;
        bytes(request, |bytes| bytes[right..].iter_mut().for_each(|byte| *byte = !*byte))
    }),
    refused("bytes from behind", |request, _, _| bytes(request, |bytes| bytes.reverse())),
    refused("all bytes zero", |request, _, _| bytes(request, |bytes| bytes.fill(0))),
    refused("random bytes", |request, _, rng| {
        bytes(request, |bytes| bytes.iter_mut().for_each(|byte| *byte = rng.below(256) as u8))
    }),
    refused("28 random characters", |request, _, rng| {
        written(request, |_| (0..28).map(|_| (33 + rng.below(94) as u8) as char).collect())
    }),
    refused("lower case", |request, _, _| written(request, str::to_lowercase)),
    refused("upper case", |request, _, _| written(request, str::to_uppercase)),
    refused("base64 for URLs", |request, _, _| {
        written(request, |right| right.replace('+', "-").replace('/', "_"))
    }),
    refused("base64 without padding", |request, _, _| {
        written(request, |right| right.replace('=', ""))
    }),
    refused("base64 with more padding", |request, _, _| {
        written(request, |right| format!("{right}="))
    }),
    refused("base64 with bits that say nothing", |request, _, _| {
        const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let last = *request.signatures.first()?.as_bytes().get(26)?;
        let at = DIGITS.iter().position(|digit| *digit == last)?;
        let odd = *DIGITS.get(at | 1)? as char;
        written(request, |right| format!("{}{odd}=", &right[..26]))
    }),
    refused("base64 of base64", |request, _, _| written(request, |right| STANDARD.encode(right))),
    refused("hexadecimal", |request, _, _| {
        let bytes = STANDARD.decode(request.signatures.first()?).ok()?;
        written(request, |_| bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }),
    refused("escaped as in a URL", |request, _, _| {
        written(request, |right| right.replace('=', "%3D"))
    }),
    refused("a space in it", |request, _, _| {
        written(request, |right| format!("{} {}", &right[..14], &right[14..]))
    }),
    refused("a tab in it", |request, _, _| {
        written(request, |right| format!("{}\t{}", &right[..27], &right[27..]))
    }),
    refused("a space that is not ASCII behind it", |request, _, _| {
        written(request, |right| format!("{right}\u{a0}"))
    }),
    refused("in quotes", |request, _, _| written(request, |right| format!("\"{right}\""))),
    refused("`v1,` before it", |request, _, _| written(request, |right| format!("v1,{right}"))),
    refused("`sha1=` before it", |request, _, _| written(request, |right| format!("sha1={right}"))),
    refused("a comma behind it", |request, _, _| written(request, |right| format!("{right},"))),
    refused("twice, joined by a comma", |request, _, _| {
        written(request, |right| format!("{right},{right}"))
    }),
    refused("two, joined by a comma", |request, seen, _| {
        let other = seen.signatures.first()?.clone();
        written(request, |right| format!("{other}, {right}"))
    }),
    refused("the header twice", |request, _, _| {
        request.signatures.push(request.signatures.first()?.clone());
        Some(())
    }),
    refused("the header twice, the right one first", |request, seen, _| {
        request.signatures.push(seen.signatures.first()?.clone());
        Some(())
    }),
    refused("the header twice, the right one behind", |request, seen, _| {
        request.signatures.insert(0, seen.signatures.first()?.clone());
        Some(())
    }),
    refused("the header twice, one of them empty", |request, _, _| {
        request.signatures.push(String::new());
        Some(())
    }),
    refused("in another header", |request, _, rng| {
        const OTHERS: [&str; 3] = ["X_Twilio_Signature", "X-Twilio-Signature-2", "Authorization"];
        let other = OTHERS[rng.below(3) as usize];
        request.lines.push(format!("{other}: {}", request.signatures.pop()?));
        Some(())
    }),
    refused("another request's", |request, seen, _| {
        request.signatures.clone_from(&seen.signatures);
        Some(())
    }),
    refused("the token of another account", |request, _, _| secret(request, OTHER_TOKEN)),
    refused("another account, and this one's token", |request, _, _| {
        named(request, "AccountSid", |sid| OTHER_SID.clone_into(sid))?;
        secret(request, TOKEN)
    }),
    refused("the account's sid for a token", |request, _, _| secret(request, SID)),
    refused("no token", |request, _, _| secret(request, "")),
    refused("the token in capitals", |request, _, _| secret(request, &TOKEN.to_uppercase())),
    refused("the token with its line's end", |request, _, _| {
        secret(request, &format!("{TOKEN}\n"))
    }),
    refused("SHA-256, as the token never signs", |request, _, _| {
        sha256(request)?;
        settings(request, "algorithm=HMAC_SHA256")
    }),
    refused("SHA-256, cut to the length of SHA-1", |request, _, _| {
        sha256(request)?;
        bytes(request, |bytes| bytes.truncate(20))
    }),
    refused("a SharedKey that is not there", |request, _, _| {
        settings(request, "key=webhooks_sharedkey_1,algorithm=HMAC_SHA1")
    }),
    refused("an algorithm that is not there", |request, _, _| settings(request, "algorithm=none")),
    refused("over the URL alone", |request, _, _| {
        request.is_form().then_some(())?;
        let url = format!("{PUBLIC_URL}{}", request.target);
        over(request, &url)
    }),
    refused("over the body alone", |request, _, _| {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        over(request, &body)
    }),
    refused("over the body's hash alone", |request, _, _| {
        let hashed = twimlgate::verify::add_body_hash("", &request.body)?;
        over(request, hashed.trim_start_matches("?bodySHA256="))
    }),
    refused("over a form with its separators", |request, _, _| {
        request.is_form().then_some(())?;
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let url = format!("{PUBLIC_URL}{}{body}", request.target);
        over(request, &url)
    }),
];
