//! Likely causes: each changes one thing, and explains what it means if the signature fits then.

mod form;
mod key;
mod url;

use std::borrow::Cow;

use super::LikelyCause;
use super::guess::Guess;
use crate::verify::VerifyError;
use crate::verify::key::body_sha256;
use crate::webhook::Params;
pub(in crate::verify) use key::find_spelling_cause;

/// One kind of difference between what was signed and what is checked.
struct CauseKind {
    /// What was signed instead. `{url}` is replaced by the URL that fits, `{name}` by a parameter.
    what: &'static str,
    /// What to do. The same words are replaced.
    advice: &'static str,
    /// The guesses with this difference; the text is the `{name}`.
    guesses: fn(&Guess) -> Vec<(Guess, String)>,
}

/// The alternatives whose guess fits, the likeliest first: one cause each; or, where none does, two
/// of different kinds together.
pub(super) fn find(base: &Guess, error: VerifyError) -> Vec<Vec<LikelyCause>> {
    if let Some(found) = body(base, error) {
        return vec![vec![found]];
    }
    let kinds = [url::CAUSES, form::CAUSES, key::CAUSES];
    let alone: Vec<_> = kinds.iter().flat_map(|causes| find_fitting(base, causes)).collect();
    if !alone.is_empty() {
        return alone.into_iter().map(|(finding, _)| vec![finding]).collect();
    }
    // Two of one kind are left out: their product is large, and such a pair is rare.
    for (first, second) in [(1, 0), (2, 0), (2, 1)] {
        for cause in kinds[first].iter().filter(|cause| !cause.what.contains("{name}")) {
            for (changed, name) in (cause.guesses)(base) {
                if let Some((finding, url)) =
                    find_fitting(&changed, kinds[second]).into_iter().next()
                {
                    return vec![vec![cause.to_likely_cause(&url, &name), finding]];
                }
            }
        }
    }
    Vec::new()
}

/// Every cause that explains the signature, with the URL that it fits.
fn find_fitting(base: &Guess, causes: &[CauseKind]) -> Vec<(LikelyCause, String)> {
    let mut found: Vec<(LikelyCause, String)> = Vec::new();
    for cause in causes {
        let guesses = (cause.guesses)(base).into_iter().filter(|(guess, _)| guess.differs(base));
        let fits = guesses
            .filter_map(|(guess, name)| guess.find_signed_url().map(|url| (guess, name, url)))
            // Two causes may sign the same string: the first one is the likelier.
            .next();
        if let Some((_, name, url)) = fits {
            found.push((cause.to_likely_cause(&url, &name), url));
        }
    }
    // More than three explanations explain nothing.
    found.truncate(3);
    found
}

/// The cause where the signature is right, and the body is not the one that it covers.
fn body(base: &Guess, error: VerifyError) -> Option<LikelyCause> {
    let finding = |what: Cow<'static, str>, advice: &'static str| {
        let name = base.body_sha256.clone();
        Some(LikelyCause { what, advice, url: String::new(), name })
    };
    match error {
        VerifyError::BodyHashMissing if base.find_signed_url().is_some() => finding(
            "the signature fits the URL, but the URL holds no `bodySHA256`, so that any body would \
             have passed"
                .into(),
            "check that the request's `Content-Type` and query arrive unchanged; forms need \
             `application/x-www-form-urlencoded`, other bodies the hash",
        ),
        VerifyError::BodyHashWrong => match find_rewriting(base) {
            Some(how) => finding(
                format!(
                    "the URL's signature fits, and its `bodySHA256` is that of the body {how}"
                )
                .into(),
                "hash the raw bytes of the request: something on the way read the body and wrote \
                 it again",
            ),
            None => finding(
                "the URL's signature fits, but the body is not the one that was sent: its SHA-256 \
                 is `{name}`"
                    .into(),
                "look for what changes the body on the way: a proxy, a decompressor, a JSON parser",
            ),
        },
        _ => None,
    }
}

/// How the body has to be written for its hash to be the one in the URL.
fn find_rewriting(base: &Guess) -> Option<&'static str> {
    let (_, query) = base.url.split_once('?')?;
    let params = Params::decode_query(query.split('#').next()?).ok()?;
    let hash = params.get("bodySHA256")?;
    if hash.eq_ignore_ascii_case(&base.body_sha256) {
        return Some("in lower-case letters, as it has to be written");
    }
    let text = String::from_utf8_lossy(&base.body);
    let json = serde_json::from_str::<serde_json::Value>(&text).ok();
    let forms = [
        ("with a line break at its end", Some(format!("{text}\n"))),
        ("without white space around it", Some(text.trim().to_owned())),
        ("with `\\n` for `\\r\\n`", Some(text.replace("\r\n", "\n"))),
        ("with `\\r\\n` for `\\n`", Some(text.replace('\n', "\r\n"))),
        ("as compact JSON", json.as_ref().and_then(|json| serde_json::to_string(json).ok())),
        (
            "as indented JSON",
            json.as_ref().and_then(|json| serde_json::to_string_pretty(json).ok()),
        ),
        ("as JSON with a space behind `,` and `:`", json.as_ref().map(to_spaced_json)),
        ("when it is empty", Some(String::new())),
        ("when it is `{}`", Some("{}".to_owned())),
    ];
    let fits = |text: &String| body_sha256(text.as_bytes()) == hash;
    forms.into_iter().find(|(_, text)| text.as_ref().is_some_and(fits)).map(|(how, _)| how)
}

/// JSON as Python writes it.
fn to_spaced_json(json: &serde_json::Value) -> String {
    match json {
        serde_json::Value::Array(items) => {
            format!("[{}]", items.iter().map(to_spaced_json).collect::<Vec<_>>().join(", "))
        }
        serde_json::Value::Object(members) => {
            let member = |(name, value): (&String, &serde_json::Value)| {
                format!("{}: {}", serde_json::Value::from(name.as_str()), to_spaced_json(value))
            };
            format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(", "))
        }
        scalar => scalar.to_string(),
    }
}

// === impl Cause ===

impl CauseKind {
    fn to_likely_cause(&self, url: &str, name: &str) -> LikelyCause {
        LikelyCause {
            what: self.what.into(),
            advice: self.advice,
            url: url.to_owned(),
            name: name.to_owned(),
        }
    }
}

/// Guesses that need no name.
fn without_names(guesses: impl IntoIterator<Item = Guess>) -> Vec<(Guess, String)> {
    guesses.into_iter().map(|guess| (guess, String::new())).collect()
}

/// Pairs in the order in which they are signed, with their duplicates.
fn sort_with_repeats(pairs: &[(String, String)]) -> Vec<(String, String)> {
    let mut pairs = pairs.to_vec();
    pairs.sort();
    pairs
}
