//! Every key of `config.toml`, once: reading, advice, the schema and its test all use this table.

use KeyKind::{Address, Bool, Choice, Integer, List, Map, Path, Text};

use crate::diagnostics::toml_reader::{KeyKind, KeySpec};

/// One `[section]` of the file.
pub(super) struct SectionSpec {
    /// `server`, `server.tls`, `function.NAME`, …: the user chooses a name in capitals.
    pub name: &'static str,
    /// Written as `[[section]]`, any number of times.
    pub repeated: bool,
    /// One line on what it is.
    pub doc: &'static str,
    /// Its keys in the order of the manual.
    pub keys: &'static [KeySpec],
}

const fn key(
    name: &'static str,
    kind: KeyKind,
    default: &'static str,
    doc: &'static str,
) -> KeySpec {
    KeySpec::with_default(name, kind, default, doc)
}

const fn required(name: &'static str, kind: KeyKind, doc: &'static str) -> KeySpec {
    KeySpec::required(name, kind, doc)
}

/// The whole file.
pub(super) const SECTIONS: &[SectionSpec] = &[
    SectionSpec {
        name: "server",
        repeated: false,
        doc: "the public listener, where webhooks arrive",
        keys: &[
            key("listen", Address, r#""127.0.0.1:8080""#, "address and port"),
            key(
                "public_url",
                Text,
                r#""""#,
                "what the carrier signs: scheme and host as typed into its console, and the path \
                 prefix if a proxy strips one; empty: http:// and the request's own Host",
            ),
            key(
                "trusted_proxies",
                List,
                "[]",
                "addresses or ranges whose X-Forwarded-Proto, -Host and -Port replace public_url",
            ),
            key("templates", Path, r#""templates""#, "folder of the templates"),
            key(
                "time_zone",
                Text,
                r#""UTC""#,
                "zone of dates in templates, like `Europe/Berlin`; Studio's is America/Los_Angeles",
            ),
            key("workers", Integer(0, 1024), "0", "threads that answer; 0: one per core"),
            key(
                "answer_within_ms",
                Integer(100, 13_000),
                "10000",
                "milliseconds from a webhook's arrival to its answer, whatever fails; the carrier \
                 gives up after 15000",
            ),
        ],
    },
    SectionSpec {
        name: "server.tls",
        repeated: false,
        doc: "when TLS ends here and not at a proxy; read again on SIGHUP",
        keys: &[
            key("certificate", Path, r#""""#, "certificate chain, PEM; empty: no TLS"),
            key("key", Path, r#""""#, "its private key, PEM"),
        ],
    },
    SectionSpec {
        name: "admin",
        repeated: false,
        doc: "health, metrics and Studio's REST: a listener of their own, never the public one",
        keys: &[key("listen", Address, r#""127.0.0.1:9090""#, "address and port; empty: off")],
    },
    SectionSpec {
        name: "log",
        repeated: false,
        doc: "one line per webhook, on standard output",
        keys: &[key(
            "format",
            Choice(&["auto", "human", "json"]),
            r#""auto""#,
            "auto: human on a terminal, JSON otherwise",
        )],
    },
    SectionSpec {
        name: "store",
        repeated: false,
        doc: "where executions and once-only claims are stored",
        keys: &[key(
            "url",
            Text,
            r#""sqlite:twimlgate.db""#,
            "sqlite:FILE, or memory: they end with the process",
        )],
    },
    SectionSpec {
        name: "signature",
        repeated: false,
        doc: "what becomes of a webhook that the carrier did not sign",
        keys: &[key(
            "mode",
            Choice(&["enforce", "report", "off"]),
            r#""enforce""#,
            "enforce: 403; report: answered, and the log says why it would fail; off: it is not \
             checked",
        )],
    },
    SectionSpec {
        name: "egress",
        repeated: false,
        doc: "where functions and their redirects may lead",
        keys: &[
            key(
                "allow",
                List,
                "[]",
                "private hosts, host:port or address ranges that redirects may lead to; the \
                 configured functions' own hosts are allowed as they are",
            ),
            key(
                "ca_file",
                Path,
                r#""""#,
                "more certificate authorities, PEM, beside the public ones",
            ),
        ],
    },
    SectionSpec {
        name: "account",
        repeated: true,
        doc: "who may call",
        keys: &[
            key("carrier", Choice(&["twilio"]), r#""twilio""#, "whose rules of signing"),
            required("sid", Text, "AccountSid, AC and 32 hexadecimal digits"),
            key(
                "auth_tokens",
                List,
                "[]",
                "any of them may have signed: two while one is rotated; the first signs our calls",
            ),
            key(
                "api_url",
                Text,
                r#""""#,
                "where the carrier's API is asked, for what TwiML cannot say; empty: Twilio's own",
            ),
        ],
    },
    SectionSpec {
        name: "account.shared_key",
        repeated: true,
        doc: "a key of Twilio's SharedKey signing, beside or instead of the auth token",
        keys: &[
            required("id", Text, "webhooks_sharedkey_…"),
            required("secret", Text, "the key itself"),
            key(
                "algorithm",
                Choice(&["HMAC_SHA256", "HMAC_SHA1"]),
                r#""HMAC_SHA256""#,
                "the only one this key is taken with",
            ),
        ],
    },
    SectionSpec {
        name: "function.NAME",
        repeated: false,
        doc: "your code",
        keys: &[
            required("url", Text, "http:// or https://"),
            key("method", Choice(&["POST", "GET"]), r#""POST""#, "POST sends a form"),
            key(
                "timeout_ms",
                Integer(10, 600_000),
                "5000",
                "milliseconds for the whole answer, redirects and body included; over 13000 only \
                 with `hold`",
            ),
            key("max_body_bytes", Integer(1, 1_048_576), "65536", "a larger answer is `fail`"),
            key(
                "forward_webhook",
                Bool,
                "true",
                "send the carrier's parameters too, under the configured ones",
            ),
            key(
                "strict",
                Bool,
                "false",
                "TwiML that a carrier would warn about is `fail`, not only logged",
            ),
            key(
                "idempotent",
                Bool,
                "false",
                "it may see one call twice, so a lost connection is tried again",
            ),
            key(
                "http_version",
                Choice(&["1.1", "1.0"]),
                r#""1.1""#,
                "1.0 for servers that end an answer by closing the connection",
            ),
            key("connections", Integer(1, 65_536), "1024", "at most, per worker"),
            key(
                "hold",
                Path,
                r#""""#,
                "template of TwiML that a caller hears while the function is at work; empty: none",
            ),
            key(
                "hold_after_ms",
                Integer(100, 12_000),
                "4000",
                "with `hold`: milliseconds before it is heard, and before it is heard again",
            ),
        ],
    },
    SectionSpec {
        name: "flow.NAME",
        repeated: false,
        doc: "a flow that others run as a subflow, or that is only begun over Studio's REST",
        keys: &[
            required("file", Path, "Studio's JSON or our TOML"),
            key("sid", Text, r#""""#, "FW and 32 hexadecimal digits, as `run-subflow` names it"),
        ],
    },
    SectionSpec {
        name: "rewrite",
        repeated: true,
        doc: "where the URLs of imported flows lead now",
        keys: &[
            required("from", Text, "the beginning of a URL in the flow"),
            required("to", Text, "its replacement, http:// or https://"),
        ],
    },
    SectionSpec {
        name: "route.PATH",
        repeated: false,
        doc: "what answers a webhook on this path",
        keys: &[
            required("channel", Choice(&["message", "voice"]), "which kind of number points here"),
            key("flow", Path, r#""""#, "a flow: Studio's JSON or our TOML; empty: the short form"),
            key("function", Text, r#""""#, "the short form: a [function.NAME], two documents"),
            key("parameters", Map, "{}", "Liquid, sent to the function beside the webhook"),
            key(
                "success",
                Path,
                r#""""#,
                "template for the answer when the function returned JSON; empty: an empty answer",
            ),
            key("fail", Path, r#""""#, "template for the answer when it failed; empty: fallback"),
            key("fallback", Path, r#""""#, "document for everything else; empty: the built-in one"),
        ],
    },
];

/// The section of that name.
pub(super) fn section(name: &str) -> &'static SectionSpec {
    SECTIONS
        .iter()
        .find(|section| section.name == name)
        .expect("sections are asked for by the names in this file")
}
