//! Every key of a flow test, once: reading, advice and the manual use this table.

use KeyKind::{Other, Text};
use toml::de::DeTable;

use crate::diagnostics::toml_reader::{
    KeyKind, KeySpec, KeyTable, TableTitle, TomlKey, TomlReader, TomlTable,
};

const PATH: KeyKind = Other("a path in quotes, relative to this file");
const NUMBER: KeyKind = Other("a number in quotes, like `\"+15550100\"`");
const PARAMS: KeyKind = Other("a table of texts, like `{ CallerCountry = \"DE\" }`");
const MOMENT: KeyKind = Other("a moment with its offset, like `\"2026-01-05T09:00:00Z\"`");
const ANSWERS: KeyKind =
    Other("an answer, or a list of answers in turn, like `{ json = { plan = \"gold\" } }`");

/// The top of the file.
pub(super) const FILE: KeyTable = KeyTable {
    name: "the file",
    keys: &[
        key("flow", PATH, "the flow that is tested; or `config` and `route`"),
        key("config", PATH, "a configuration; its functions, templates and flows are there"),
        key("route", Text, "the route of the configuration that is tested, like `\"/voice\"`"),
        key(
            "channel",
            Other("`\"voice\"` or `\"message\"`"),
            "how one begins with the flow; without it: a call, where the trigger has \
             `incomingCall` wired, else a message",
        ),
        key(
            "time_zone",
            Other("a zone in quotes, like `\"Europe/Berlin\"`"),
            "zone of dates in the texts of the flow, as `server.time_zone`; without it UTC",
        ),
        key("templates", PATH, "the folder of the templates of the flow; without it `templates`"),
        key(
            "subflows",
            Other("a table of paths, like `{ FW0123… = \"child.json\" }`"),
            "the flows that the flow runs, by their sid in it",
        ),
        key(
            "env",
            Other("a table of texts, like `{ TWILIO_AUTH_TOKEN = \"12345\" }`"),
            "the values of `${NAME}` in the configuration, before the environment",
        ),
        key("from", NUMBER, "who calls or writes; without it +15550100"),
        key("to", NUMBER, "the number that is called or written to; without it +15550111"),
        key("params", PARAMS, "more parameters of the carrier's webhooks"),
        key("at", MOMENT, "what the clock says at the beginning; without it 2026-01-05T09:00:00Z"),
        key("given", ANSWERS, "what functions answer, by name, widget or URL; nothing is asked"),
        key("case", Other("`[[case]]`, with two brackets"), "the cases; each begins anew"),
    ],
};

/// A case.
pub(super) const CASE: KeyTable = KeyTable {
    name: "[[case]]",
    keys: &[
        key("name", Text, "what it shows, for people"),
        key("script", Other("lines between `'''` and `'''`"), "what is done, and what is expected"),
        key("from", NUMBER, "instead of that of the file"),
        key("to", NUMBER, "instead of that of the file"),
        key("params", PARAMS, "over those of the file"),
        key("at", MOMENT, "instead of that of the file"),
        key("given", ANSWERS, "what functions answer, over those of the file"),
    ],
};

/// An answer, alone or in a list of answers.
pub(super) const GIVEN: KeyTable = KeyTable {
    name: "given.NAME",
    keys: &[
        key("json", Other("any value, like `{ plan = \"gold\" }`"), "a body of `application/json`"),
        key("twiml", Other("TwiML in quotes"), "a body of `text/xml`"),
        key("body", Text, "any other body, of `text/plain` where there is no `type`"),
        key("type", Other("a content type in quotes"), "the content type of `body`"),
        key("status", Other("a whole number from 100 to 599"), "the HTTP status; without it 200"),
        key(
            "delay",
            Other("a time in quotes, like `\"6s\"` or `\"250ms\"`"),
            "how long the answer takes; the function's own time limit holds",
        ),
        key(
            "fail",
            Other(
                "one of `\"refused\"`, `\"timeout\"`, `\"closed\"`, `\"truncated\"`, `\"dns\"`, \
                 `\"tls\"`",
            ),
            "no answer at all",
        ),
    ],
};

/// Every table of a flow test, in the order of the manual.
pub const TABLES: [KeyTable; 3] = [FILE, CASE, GIVEN];

/// A key that may be left out: what a test needs depends on its other keys.
const fn key(name: &'static str, kind: KeyKind, doc: &'static str) -> KeySpec {
    KeySpec::optional(name, kind, doc)
}

impl TomlReader<'_> {
    /// The file itself. Unknown keys in it are errors, here and in the tables below.
    pub(super) fn file<'a, 'i>(&mut self, table: &'a DeTable<'i>) -> TomlTable<'a, 'i> {
        self.known_table(TableTitle::File, &FILE, table)
    }

    /// One of the tables in the file.
    pub(super) fn table<'a, 'i>(
        &mut self,
        known: &KeyTable,
        table: &'a DeTable<'i>,
    ) -> TomlTable<'a, 'i> {
        self.known_table(TableTitle::Table(known.name), known, table)
    }

    fn known_table<'a, 'i>(
        &mut self,
        title: TableTitle,
        known: &KeyTable,
        table: &'a DeTable<'i>,
    ) -> TomlTable<'a, 'i> {
        // What is missing in it is reported at its first key: the table itself has no place.
        let span = table.keys().map(TomlKey::span).min_by_key(|span| span.start).unwrap_or(0..0);
        let table = TomlTable::new(title, known.keys, Some(table), span);
        table.report_unknown_keys(self, []);
        table
    }
}
