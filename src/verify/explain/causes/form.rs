//! Causes in the parameters: others were signed than are checked.

use super::{CauseKind, Guess, sort_with_repeats, without_names};
use crate::verify::url::SignedUrl;
use crate::webhook::Params;

const RAW_PAIRS: &str = "check the parameters as they came in the body, every one, decoded once: \
                         frameworks trim, drop and convert them";

/// Likeliest first.
pub(super) const CAUSES: &[CauseKind] = &[
    CauseKind {
        what: "the carrier signed the URL alone, without parameters",
        advice: "it sent a GET, or another body than a form: give the method and the content type \
                 of the request (`--method GET`, `--content-type application/json`); at the \
                 gateway, look for what changes them on the way",
        guesses: |guess| without_names([guess.with_pairs(Vec::new())]),
    },
    CauseKind {
        what: "the carrier signed the body as a form",
        advice: "give `--content-type application/x-www-form-urlencoded`; at the gateway, look for \
                 what changes the `Content-Type` on the way",
        guesses: |guess| match Params::decode(&guess.body) {
            Ok(params) if guess.pairs.is_empty() => {
                without_names([guess.with_pairs(to_owned_pairs(&params))])
            }
            _ => Vec::new(),
        },
    },
    CauseKind {
        what: "the carrier signed values with a plus where a space is checked, or the other way \
               round",
        advice: "decode a form's `+` to a space and `%2B` to a plus, once; in a shell or in `curl \
                 -d`, write `%2B` for the plus of a number",
        guesses: |guess| {
            without_names([
                guess.with_values(|value| value.replace('+', " ")),
                guess.with_values(|value| value.replace(' ', "+")),
                guess.with_values(|value| match value.strip_prefix(' ') {
                    Some(number) if number.starts_with(|c: char| c.is_ascii_digit()) => {
                        format!("+{number}")
                    }
                    _ => value.to_owned(),
                }),
            ])
        },
    },
    CauseKind {
        what: "the carrier signed decoded values, and these are still encoded, or were decoded \
               twice",
        advice: "decode the body once",
        guesses: |guess| {
            let decode = |value: &str| {
                let protected = value.replace('&', "%26").replace('=', "%3D");
                let decoded = Params::decode_query(&protected).unwrap_or_default();
                decoded.iter().next().map_or(String::new(), |(name, _)| name.to_owned())
            };
            let encode = |value: &str| {
                let params: Params = [("", value)].into_iter().collect();
                params.encode()[1..].to_owned()
            };
            without_names([
                guess.with_values(decode),
                guess.with_values(encode),
                guess.with_values(|value| encode(value).replace('+', "%20")),
            ])
        },
    },
    CauseKind {
        what: "the carrier signed without the parameters whose value is empty",
        advice: "this is not how Twilio signs: `ToZip=` adds `ToZip`. Look for what adds empty \
                 parameters on the way",
        guesses: |guess| {
            let mut pairs = guess.pairs.clone();
            pairs.retain(|(_, value)| !value.is_empty());
            without_names([guess.with_pairs(pairs)])
        },
    },
    CauseKind {
        what: "values were signed trimmed of white space",
        advice: RAW_PAIRS,
        guesses: |guess| without_names([guess.with_values(|value| value.trim().to_owned())]),
    },
    CauseKind {
        what: "line breaks were signed as others than are checked",
        advice: RAW_PAIRS,
        guesses: |guess| {
            without_names([
                guess.with_values(|value| value.replace("\r\n", "\n")),
                guess.with_values(|value| value.replace('\n', "\r\n")),
            ])
        },
    },
    CauseKind {
        what: "of a repeated name only one value was signed",
        advice: "this is how twilio-go and twilio-java sign; Twilio itself signs every different \
                 value, sorted",
        guesses: |guess| without_names([one_value(guess, false), one_value(guess, true)]),
    },
    CauseKind {
        what: "repeated values were signed repeatedly, or in the order of the body",
        advice: "this is how SignalWire's library signs; Twilio signs every different value once, \
                 sorted",
        guesses: |guess| {
            let by_name = {
                let mut pairs = guess.pairs.clone();
                pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
                pairs
            };
            let orders = [sort_with_repeats(&guess.pairs), by_name, guess.pairs.clone()];
            without_names(
                orders.map(|pairs| Guess { in_wire_order: true, ..guess.with_pairs(pairs) }),
            )
        },
    },
    CauseKind {
        what: "the query's parameters were signed as parameters, too",
        advice: "the signer counted the query twice: a POST's query is signed in the URL only, and \
                 so is that of a GET",
        guesses: |guess| {
            let mut pairs = guess.pairs.clone();
            pairs.extend(query_of(guess));
            let bare = guess.url.split_once('?').map_or(guess.url.as_str(), |(url, _)| url);
            without_names([guess.with_pairs(pairs.clone()), guess.with_pairs(pairs).with_url(bare)])
        },
    },
    CauseKind {
        what: "the query's parameters are among the parameters, and were not signed there",
        advice: "check the parameters of the body alone: frameworks merge those of the query in \
                 (`request.values`, `$_REQUEST`)",
        guesses: |guess| {
            let query = query_of(guess);
            let mut pairs = guess.pairs.clone();
            pairs.retain(|pair| !query.contains(pair));
            without_names([guess.with_pairs(pairs)])
        },
    },
    CauseKind {
        what: "the carrier signed without the parameter `{name}`",
        advice: "find out what adds `{name}` on the way",
        guesses: |guess| {
            let without = |index: usize| {
                let mut pairs = guess.pairs.clone();
                let (name, _) = pairs.remove(index);
                (guess.with_pairs(pairs), name)
            };
            (0..guess.pairs.len().min(200)).map(without).collect()
        },
    },
];

/// Of every name the first value, or the last.
fn one_value(guess: &Guess, last: bool) -> Guess {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for (name, value) in &guess.pairs {
        match pairs.iter_mut().find(|(known, _)| known == name) {
            Some((_, chosen)) if last => chosen.clone_from(value),
            Some(_) => {}
            None => pairs.push((name.clone(), value.clone())),
        }
    }
    guess.with_pairs(pairs)
}

fn query_of(guess: &Guess) -> Vec<(String, String)> {
    let query = SignedUrl::as_carrier(&guess.url).rest.split_once('?').map_or("", |(_, q)| q);
    Params::decode_query(query).map(|params| to_owned_pairs(&params)).unwrap_or_default()
}

fn to_owned_pairs(params: &Params) -> Vec<(String, String)> {
    params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
