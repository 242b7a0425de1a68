//! HTTP Basic authentication with an account's sid and one of its tokens, as at Twilio.

use std::sync::Arc;

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use hmac::{Hmac, KeyInit as _, Mac};
use sha2::Sha256;

use crate::basic_auth;
use crate::config::Account;

/// The account whose credentials a request has.
pub(super) fn account<'a>(
    accounts: &'a [Arc<Account>],
    headers: &HeaderMap,
) -> Option<&'a Arc<Account>> {
    // No early exit: the time to a refusal must show neither which accounts exist nor how much of a
    // token is right.
    let mut found = None;
    let given = credentials(headers)?;
    for account in accounts {
        for token in &account.auth_tokens {
            let expected = [&account.sid, ":", token.expose()].map(str::as_bytes).concat();
            if constant_time_eq(&expected, &given) {
                found = Some(account);
            }
        }
    }
    found
}

/// The `user:password` of a request.
fn credentials(headers: &HeaderMap) -> Option<Vec<u8>> {
    // Exactly one header: of two, a proxy and this server might each check another.
    let mut values = headers.get_all(AUTHORIZATION);
    let (value, None) = (values.next()?, values.next()) else { return None };
    basic_auth::decode(value)
}

/// Compares two texts in a time that does not depend on where they differ.
fn constant_time_eq(expected: &[u8], given: &[u8]) -> bool {
    // The hashes have one length, and their bytes cannot be predicted: the key is the secret.
    let hash =
        |text: &[u8]| Hmac::<Sha256>::new_from_slice(expected).map(|mac| mac.chain_update(text));
    match (hash(expected), hash(given)) {
        (Ok(expected), Ok(given)) => given.verify_slice(&expected.finalize().into_bytes()).is_ok(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;
    use crate::secret::Secret;

    fn asked(accounts: &[Arc<Account>], values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        account(accounts, &headers).map(|account| account.sid.clone())
    }

    #[test]
    fn one_header_with_one_account_and_its_token() {
        let account = |sid: &str, tokens: &[&str]| {
            let auth_tokens = tokens.iter().map(|token| Secret::new((*token).to_owned())).collect();
            let sid = sid.to_owned();
            Arc::new(Account { sid, auth_tokens, api_url: None, shared_keys: Vec::new() })
        };
        let accounts = [account("AC1", &["a", "b:c"]), account("AC2", &["d"]), account("AC3", &[])];
        for (user, sid) in [("AC1:a", "AC1"), ("AC1:b:c", "AC1"), ("AC2:d", "AC2")] {
            let value = basic_auth::encode(user);
            assert_eq!(asked(&accounts, &[&value]).as_deref(), Some(sid));
            assert_eq!(asked(&accounts, &[&value.replace("Basic", "bASIC")]).as_deref(), Some(sid));
            assert_eq!(asked(&accounts, &[&value, &value]), None, "repeated");
            assert_eq!(asked(&accounts, &[&value.replace("Basic", "Bearer")]), None);
            assert_eq!(asked(&[], &[&value]), None, "no account");
        }
        for user in ["AC1:", "AC3:", "AC1:d", "AC2:a", "AC1a", "AC1:a\0", "ac1:a", ":", ""] {
            assert_eq!(asked(&accounts, &[&basic_auth::encode(user)]), None, "{user}");
        }
        for value in ["", "Basic", "Basic ", "Basic ?", "QUMxOmE="] {
            assert_eq!(asked(&accounts, &[value]), None, "{value}");
        }
        assert_eq!(asked(&accounts, &[]), None);
    }
}
