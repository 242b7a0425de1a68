//! Causes in the key and in the signature's own spelling.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{CauseKind, Guess, LikelyCause, without_names};
use crate::config::HmacAlgorithm;
use crate::hex::from_hex;
use crate::verify::key::SignatureBytes;

/// The signature in another alphabet or escaped.
const SPELLING: CauseKind = CauseKind {
    what: "the signature is right, but was written in another way than base64 as the carrier \
           writes it",
    advice: "pass the header on as it came: no URL decoding (`+` becomes a space), no quotes, \
             no URL-safe alphabet, with the padding, base64 and not hexadecimal",
    guesses: |guess| {
        let spellings = respellings(&guess.signature).into_iter();
        without_names(spellings.map(|signature| Guess { signature, ..guess.clone() }))
    },
};

/// Two headers in one.
const JOINED: CauseKind = CauseKind {
    what: "several signatures were joined into one header",
    advice: "let the proxy pass the header on once: a joined one is refused",
    guesses: |guess| {
        let parts = guess.signature.split(',').map(|part| part.trim().to_owned()).take(8);
        without_names(parts.map(|signature| Guess { signature, ..guess.clone() }))
    },
};

/// Likeliest first.
pub(super) const CAUSES: &[CauseKind] = &[
    CauseKind {
        what: "the token has white space or quotes around it",
        advice: "take them off where the token is set (an environment file, a secret's trailing \
                 line break)",
        guesses: |guess| {
            let around = |c: char| c.is_whitespace() || matches!(c, '"' | '\'');
            without_names([guess.with_tokens(|token| token.trim_matches(around).to_owned())])
        },
    },
    CauseKind {
        what: "the signature was made with the other algorithm",
        advice: "HMAC_SHA256 is only used with SharedKeys: give `--algorithm`, and configure the \
                 key in `[[account.shared_key]]` with its algorithm",
        guesses: |guess| {
            let algorithm = match guess.algorithm {
                HmacAlgorithm::Sha1 => HmacAlgorithm::Sha256,
                HmacAlgorithm::Sha256 => HmacAlgorithm::Sha1,
            };
            without_names([Guess { algorithm, ..guess.clone() }])
        },
    },
    CauseKind {
        what: "the token is written in letters of another case",
        advice: "an auth token is 32 lower-case hexadecimal digits",
        guesses: |guess| {
            without_names([
                guess.with_tokens(str::to_lowercase),
                guess.with_tokens(str::to_uppercase),
            ])
        },
    },
    SPELLING,
    JOINED,
];

/// The cause that the form of a signature shows, which is not one as it came.
pub(in crate::verify) fn find_spelling_cause(signature: &str) -> Option<LikelyCause> {
    let is_signature = |text: &str| {
        [HmacAlgorithm::Sha1, HmacAlgorithm::Sha256]
            .into_iter()
            .any(|algorithm| SignatureBytes::parse(text, algorithm).is_some())
    };
    if signature.split(',').take(8).any(|part| is_signature(part.trim())) {
        return Some(JOINED.to_likely_cause("", ""));
    }
    let spellings = respellings(signature);
    spellings.iter().any(|text| is_signature(text)).then(|| SPELLING.to_likely_cause("", ""))
}

/// The signature with the usual damage undone.
fn respellings(signature: &str) -> Vec<String> {
    let around = |c: char| c.is_whitespace() || matches!(c, '"' | '\'');
    let bare = signature.trim_matches(around);
    let padded = format!("{:=<1$}", bare, bare.len().next_multiple_of(4));
    let unescaped = ["%2B", "%2F", "%3D", "%2b", "%2f", "%3d"].iter().zip("+/=+/=".chars());
    let unescaped = unescaped.fold(bare.to_owned(), |text, (escape, character)| {
        text.replace(escape, &character.to_string())
    });
    vec![
        bare.to_owned(),
        padded.replace('-', "+").replace('_', "/"),
        bare.replace(' ', "+"),
        unescaped,
        from_hex(bare).map_or(String::new(), |bytes| STANDARD.encode(bytes)),
    ]
}
