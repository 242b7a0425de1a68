//! The table of all keys of `config.toml`. The reader, its advice and the schema use it.

mod forward;
mod trace;

use KeyKind::{Address, Bool, Choice, Integer, List, Map, Path, Text};

use crate::diagnostics::toml_reader::{KeyKind, KeySpec};

/// One `[section]` of the file.
pub(super) struct SectionSpec {
    /// `server`, `server.tls`, `function.NAME`, …; a word in capitals is a name that users choose.
    pub name: &'static str,
    /// Written as `[[section]]`, any number of times.
    pub repeated: bool,
    /// A description of one line.
    pub doc: &'static str,
    /// The keys, in the order of the shipped `config.toml`.
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

/// The sections of the file. Those with a common first word are adjacent.
// The reader reports unknown keys with similar names from this table, so a key that is missing here
// cannot be configured, and one that is not read has no effect. `config.toml` says the same with
// longer comments, and a test compares the two.
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
                 prefix if a proxy removes one; empty: http:// and the request's own Host",
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
            // 0 cannot be a number of threads, so it means the default, which depends on the
            // machine.
            key("workers", Integer(0, 1024), "0", "threads that answer; 0: one per core"),
            key(
                "answer_within_ms",
                // The carrier gives up after 15 s; the rest is for the network.
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
        doc: "TLS on this listener instead of at a proxy; read again on SIGHUP",
        keys: &[
            key("certificate", Path, r#""""#, "certificate chain, PEM; empty: no TLS"),
            key("key", Path, r#""""#, "its private key, PEM"),
        ],
    },
    SectionSpec {
        name: "admin",
        repeated: false,
        doc: "health, metrics and Studio's REST: a separate listener, never the public one",
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
        name: "dev",
        repeated: false,
        doc: "what `twimlgate dev` does beside serving; other commands ignore it",
        keys: &[key(
            "command",
            Text,
            r#""""#,
            "program with your functions, as typed into a shell: it is started, and started again \
             when its files change",
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
            "sqlite:FILE, postgres://… for several gateways, or memory: lost when the process ends",
        )],
    },
    trace::TRACE,
    SectionSpec {
        name: "signature",
        repeated: false,
        doc: "how to answer a webhook without a valid signature",
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
        doc: "where calls of functions and their redirects may connect to",
        keys: &[
            key(
                "allow",
                List,
                "[]",
                "private hosts, host:port or address ranges that redirects may lead to; the hosts \
                 of the configured functions are allowed without it",
            ),
            key("ca_file", Path, r#""""#, "additional certificate authorities, PEM"),
        ],
    },
    SectionSpec {
        name: "account",
        repeated: true,
        doc: "whose webhooks are accepted; one section for each account and subaccount",
        keys: &[
            key("carrier", Choice(&["twilio"]), r#""twilio""#, "whose signature rules apply"),
            required("sid", Text, "AccountSid, AC and 32 hexadecimal digits"),
            key(
                "auth_tokens",
                List,
                "[]",
                "any of them may have signed: two while one is rotated; the first signs the calls \
                 of functions",
            ),
            key(
                "api_url",
                Text,
                r#""""#,
                "address of the carrier's API, for actions that TwiML cannot express; empty: \
                 Twilio's own hosts",
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
                "the only one accepted for this key",
            ),
        ],
    },
    SectionSpec {
        name: "functions",
        repeated: false,
        doc: "a folder of Twilio Functions, which Node runs; see docs/functions-folder.md",
        keys: &[
            key(
                "folder",
                Path,
                r#""""#,
                "has functions/ or src/, assets/ or static/, .env, node_modules; empty: none",
            ),
            key(
                "open",
                List,
                "[]",
                "paths of functions that anybody may call without a signature: `/token`, `/api/*`",
            ),
            key("env", Map, "{}", "variables of the functions, over those of .env"),
            key("node", Path, r#""node""#, "Node 20 or later, a name in PATH or a path"),
            key("processes", Integer(1, 256), "8", "calls at a time, in a process each"),
            key("memory_mb", Integer(128, 65_536), "256", "of one process; over it, it is ended"),
            key(
                "timeout_ms",
                Integer(10, 13_000),
                "10000",
                "milliseconds of a call by the function's own path; over it, its process is ended",
            ),
            key(
                "sandbox",
                Choice(&["on", "off"]),
                r#""on""#,
                "on: a process can use the folder and its own temporary one, and no other files",
            ),
            key("console", Choice(&["on", "off"]), r#""on""#, "log what functions write"),
            key("watch", Bool, "false", "take a changed file over at once, without SIGHUP"),
        ],
    },
    SectionSpec {
        name: "function.NAME",
        repeated: false,
        doc: "your code",
        keys: &[
            key("url", Text, r#""""#, "http:// or https://; or else `file` or `code`"),
            key("file", Path, r#""""#, "instead: a file of the project that [functions] names"),
            key(
                "code",
                Text,
                r#""""#,
                "instead: JavaScript, the body of `async (context, event) => …`",
            ),
            key("method", Choice(&["POST", "GET"]), r#""POST""#, "GET sends all in the query"),
            key(
                "body",
                Choice(&["auto", "form", "json"]),
                r#""auto""#,
                "of a POST; auto: a form, or JSON where the webhook is JSON",
            ),
            key("headers", Map, "{}", "of each request; values are secret"),
            key(
                "timeout_ms",
                // Up to ten minutes: `load::function` checks the limit without `hold`.
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
                "send the carrier's parameters too; the configured ones have precedence",
            ),
            key(
                "strict",
                Bool,
                "false",
                "TwiML that a carrier would warn about is `fail` instead of only logged",
            ),
            key(
                "idempotent",
                Bool,
                "false",
                "it may see a call twice, so the call is repeated after a lost connection",
            ),
            key(
                "http_version",
                Choice(&["1.1", "1.0"]),
                r#""1.1""#,
                "1.0 for servers that end an answer by closing the connection",
            ),
            key("connections", Integer(1, 65_536), "1024", "maximum, per worker"),
            key(
                "hold",
                Path,
                r#""""#,
                "template of the TwiML that a caller hears until the function has answered; \
                 empty: none",
            ),
            key(
                "hold_after_ms",
                Integer(100, 12_000),
                "4000",
                "with `hold`: milliseconds before it is heard, and before it is heard again",
            ),
            key(
                "widgets",
                List,
                "[]",
                "widgets of flows whose URLs it replaces, FLOW/WIDGET or WIDGET; none: those with \
                 the name of the function, in every flow",
            ),
        ],
    },
    SectionSpec {
        name: "flow.NAME",
        repeated: false,
        doc: "a flow that others run as a subflow, or that only Studio's REST begins",
        keys: &[
            required("file", Path, "Studio's JSON or our TOML"),
            key("sid", Text, r#""""#, "FW and 32 hexadecimal digits, as `run-subflow` names it"),
        ],
    },
    SectionSpec {
        name: "rewrite",
        repeated: true,
        doc: "replaces URLs, sids and names in imported flows",
        keys: &[
            required("from", Text, "the beginning of a URL in the flow, or a whole sid or name"),
            required(
                "to",
                Text,
                "its replacement; of a URL, http:// or https://, or functions: for the project",
            ),
        ],
    },
    SectionSpec {
        name: "route.PATH",
        repeated: false,
        doc: "how to answer a webhook on this path",
        keys: &[
            required("channel", Choice(&["message", "voice"]), "the kind of webhook"),
            key(
                "flow",
                Path,
                r#""""#,
                "a flow: Studio's JSON export, or our TOML; empty: one of the next four",
            ),
            key("document", Path, r#""""#, "TwiML without a function: a template"),
            key("twiml", Text, r#""""#, "TwiML without a function: the template itself"),
            key("redirect", Text, r#""""#, "URL of other TwiML, where the carrier continues"),
            key(
                "method",
                Choice(&["POST", "GET"]),
                r#""POST""#,
                "with `redirect`: how the carrier requests it",
            ),
            key("function", Text, r#""""#, "the short form: a [function.NAME] and two documents"),
            key("parameters", Map, "{}", "Liquid, sent to the function in addition to the webhook"),
            key(
                "success",
                Path,
                r#""""#,
                "template for the answer when the function returned JSON; empty: its text, sent or \
                 spoken",
            ),
            key("fail", Path, r#""""#, "template for the answer when it failed; empty: fallback"),
            key(
                "status_callbacks",
                Bool,
                "false",
                "true: the function also gets status callbacks; false: they get an empty answer",
            ),
            key(
                "cookies",
                Bool,
                "true",
                "true: the function's cookies go to the carrier and come back; with `flow`: false \
                 unless it is set",
            ),
            key(
                "fallback",
                Path,
                r#""""#,
                "document for every other failure; empty: the built-in one",
            ),
        ],
    },
    forward::PREFIX,
];

/// The section with a name.
pub(super) fn section(name: &str) -> &'static SectionSpec {
    SECTIONS
        .iter()
        .find(|section| section.name == name)
        .expect("sections are asked for by the names in this file")
}
