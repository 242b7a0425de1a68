//! `[signature]` and `[[account]]`: whose webhooks are accepted.

use std::sync::Arc;

use toml::de::DeTable;

use super::server::read_base_url;
use super::{is_sid, repeated_tables};
use crate::config::{Account, HmacAlgorithm, SharedKey, SignatureMode};
use crate::diagnostics::toml_reader::{Spanned, TomlReader, TomlTable, TomlValue};
use crate::secret::Secret;

pub(super) fn read_signature_mode(
    reader: &mut TomlReader<'_>,
    file: &DeTable<'_>,
) -> SignatureMode {
    let section = reader.section("signature", "signature", file.get("signature"));
    let mode = match section.text(reader, "mode").map(|mode| mode.value).as_deref() {
        Some("off") => SignatureMode::Off,
        Some("report") => SignatureMode::Report,
        // A wrong value too: a mistake must not turn off the check.
        _ => SignatureMode::Enforce,
    };
    if mode == SignatureMode::Enforce && file.get("account").is_none() {
        let message = "signatures are enforced, and no `[[account]]` could have made one";
        let help = "add an `[[account]]` with `sid` and `auth_tokens`; or, on a laptop only, \
                    `[signature]` `mode = \"off\"`";
        let problem = reader.source.error(section.span(), message);
        reader.report(problem.expected("an `[[account]]` somewhere in this file").help(help));
    }
    mode
}

pub(super) fn read_accounts(
    reader: &mut TomlReader<'_>,
    file: &DeTable<'_>,
    mode: SignatureMode,
) -> Vec<Arc<Account>> {
    let mut accounts: Vec<Arc<Account>> = Vec::new();
    for (index, value) in repeated_tables(reader, file.get("account"), "account").iter().enumerate()
    {
        let section = reader.section("account", "account", Some(value));
        section.text(reader, "carrier");
        let sid = section.text(reader, "sid");
        // An empty token, as from `${SECOND_TOKEN:-}`, is not set: as a key it lets anyone sign.
        let mut auth_tokens = section.list(reader, "auth_tokens");
        let written = auth_tokens.len();
        auth_tokens.retain(|token| !token.value.is_empty());
        let api_url = read_base_url(reader, &section, "api_url");
        let table = value.get_ref().as_table();
        let shared_keys = read_shared_keys(reader, table.and_then(|table| table.get("shared_key")));
        let Some(sid) = sid else { continue };
        check_sid(reader, &section, &sid);
        if accounts.iter().any(|account| account.sid == sid.value) {
            let help = "put both tokens into one `auth_tokens`";
            reader.report(
                section
                    .wrong(&reader.source, "sid", &sid)
                    .expected("another account's sid")
                    .help(help),
            );
        }
        let tokens_given = table.and_then(|table| table.get("auth_tokens"));
        let is_empty_list = tokens_given
            .and_then(|tokens| tokens.get_ref().as_array())
            .is_some_and(|tokens| tokens.is_empty());
        // `auth_tokens = []` is intended, but where signatures are enforced, every webhook of the
        // account would be refused. Other values without a token have their own error.
        let is_refused = mode == SignatureMode::Enforce && is_empty_list;
        let is_accepted = tokens_given.is_some() && written == 0 && !is_refused;
        if auth_tokens.is_empty() && shared_keys.is_empty() && !is_accepted {
            let message = format!("account {} has neither token nor key", index + 1);
            let problem = reader.source.error(section.span(), message);
            let expected = "`auth_tokens = [\"${TWILIO_AUTH_TOKEN}\"]`";
            let help = "without one, no signature of this account is valid";
            reader.report(problem.expected(expected).help(help));
        }
        let auth_tokens = auth_tokens.into_iter().map(|token| Secret::new(token.value)).collect();
        accounts.push(Arc::new(Account { sid: sid.value, auth_tokens, api_url, shared_keys }));
    }
    accounts
}

/// Reports a sid that no webhook of the carrier can have.
fn check_sid(reader: &mut TomlReader<'_>, section: &TomlTable<'_, '_>, sid: &Spanned<String>) {
    let text = sid.value.as_str();
    if is_sid(text, "AC") {
        return;
    }
    let help = if is_sid(text.trim(), "AC") {
        "remove the white space around it"
    } else if text.starts_with("SK") {
        "API keys begin with SK, and their secrets do not sign webhooks: use the account's sid and \
         auth token"
    } else {
        "the console shows it as Account SID"
    };
    let problem = section.wrong(&reader.source, "sid", sid);
    reader.report(problem.expected("AC and 32 hexadecimal digits").help(help));
}

fn read_shared_keys(reader: &mut TomlReader<'_>, value: Option<&TomlValue<'_>>) -> Vec<SharedKey> {
    let mut keys = Vec::new();
    for value in repeated_tables(reader, value, "account.shared_key") {
        let section = reader.section("account.shared_key", "account.shared_key", Some(value));
        let id = section.text(reader, "id");
        let secret = section.text(reader, "secret");
        if secret.as_ref().is_some_and(|secret| secret.value.is_empty()) {
            let problem = reader.source.error(section.span(), "a SharedKey has an empty `secret`");
            reader.report(problem.expected("the key itself: with an empty one anyone can sign"));
        }
        let algorithm = section.text(reader, "algorithm");
        if let (Some(id), Some(secret), Some(algorithm)) = (id, secret, algorithm) {
            // The reader has refused other values.
            let algorithm = match algorithm.value.as_str() {
                "HMAC_SHA1" => HmacAlgorithm::Sha1,
                _ => HmacAlgorithm::Sha256,
            };
            keys.push(SharedKey { id: id.value, secret: Secret::new(secret.value), algorithm });
        }
    }
    keys
}
