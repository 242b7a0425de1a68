//! Every key of a flow test, once: reading, advice and the manual use this table.

/// One key of a flow test.
pub struct Key {
    /// Where it stands: in one of [`PLACES`].
    pub place: &'static str,
    /// The key.
    pub name: &'static str,
    /// What to write, in words.
    pub expects: &'static str,
    /// What it means, and what is so where it is left out.
    pub doc: &'static str,
}

/// The top of the file.
pub(super) const FILE: &str = "the file";
/// An answer, alone or in a list of answers.
pub(super) const GIVEN: &str = "given.NAME";
/// A case.
pub(super) const CASE: &str = "[[case]]";

/// Where keys stand, in the order of the manual.
pub const PLACES: [&str; 3] = [FILE, CASE, GIVEN];

const fn key(
    place: &'static str,
    name: &'static str,
    expects: &'static str,
    doc: &'static str,
) -> Key {
    Key { place, name, expects, doc }
}

const TEXT: &str = "a text in quotes";
const PATH: &str = "a path in quotes, relative to this file";
const NUMBER: &str = "a number in quotes, like `\"+15550100\"`";
const PARAMS: &str = "a table of texts, like `{ CallerCountry = \"DE\" }`";
const MOMENT: &str = "a moment with its offset, like `\"2026-01-05T09:00:00Z\"`";
const ANSWERS: &str =
    "an answer, or a list of answers in turn, like `{ json = { plan = \"gold\" } }`";

/// The whole file.
pub const KEYS: [Key; 28] = [
    key(FILE, "flow", PATH, "the flow that is tested; or `config` and `route`"),
    key(FILE, "config", PATH, "a configuration; its functions, templates and flows are there"),
    key(FILE, "route", TEXT, "the route of the configuration that is tested, like `\"/voice\"`"),
    key(
        FILE,
        "channel",
        "`\"voice\"` or `\"message\"`",
        "how one begins with the flow; without it: a call, where the trigger has `incomingCall` \
         wired, else a message",
    ),
    key(
        FILE,
        "time_zone",
        "a zone in quotes, like `\"Europe/Berlin\"`",
        "zone of dates in the texts of the flow, as `server.time_zone`; without it UTC",
    ),
    key(FILE, "templates", PATH, "the folder of the templates of the flow; without it `templates`"),
    key(
        FILE,
        "subflows",
        "a table of paths, like `{ FW0123… = \"child.json\" }`",
        "the flows that the flow runs, by the sid that it says",
    ),
    key(
        FILE,
        "env",
        "a table of texts, like `{ TWILIO_AUTH_TOKEN = \"12345\" }`",
        "what `${NAME}` of the configuration stands for, before the environment",
    ),
    key(FILE, "from", NUMBER, "who calls or writes; without it +15550100"),
    key(FILE, "to", NUMBER, "the number that is called or written to; without it +15550111"),
    key(FILE, "params", PARAMS, "more parameters of the carrier's webhooks"),
    key(
        FILE,
        "at",
        MOMENT,
        "what the clock says at the beginning; without it 2026-01-05T09:00:00Z",
    ),
    key(FILE, "given", ANSWERS, "what functions answer, by name, widget or URL; nothing is asked"),
    key(FILE, "case", "`[[case]]`, with two brackets", "the cases; each begins anew"),
    key(CASE, "name", TEXT, "what it shows, for people"),
    key(CASE, "script", "lines between `'''` and `'''`", "what is done, and what is expected"),
    key(CASE, "from", NUMBER, "instead of that of the file"),
    key(CASE, "to", NUMBER, "instead of that of the file"),
    key(CASE, "params", PARAMS, "over those of the file"),
    key(CASE, "at", MOMENT, "instead of that of the file"),
    key(CASE, "given", ANSWERS, "over those of the file"),
    key(GIVEN, "json", "any value, like `{ plan = \"gold\" }`", "a body of `application/json`"),
    key(GIVEN, "twiml", "TwiML in quotes", "a body of `text/xml`"),
    key(GIVEN, "body", TEXT, "any other body, of `text/plain` where there is no `type`"),
    key(GIVEN, "type", "a content type in quotes", "the content type of `body`"),
    key(GIVEN, "status", "a whole number from 100 to 599", "the HTTP status; without it 200"),
    key(
        GIVEN,
        "delay",
        "a time in quotes, like `\"6s\"` or `\"250ms\"`",
        "how long the answer takes; the function's own time limit holds",
    ),
    key(
        GIVEN,
        "fail",
        "one of `\"refused\"`, `\"timeout\"`, `\"closed\"`, `\"truncated\"`, `\"dns\"`, `\"tls\"`",
        "no answer at all",
    ),
];

/// The key of a place.
pub(super) fn find(place: &str, name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.place == place && key.name == name)
}

/// The keys of a place.
pub(super) fn of(place: &str) -> impl Iterator<Item = &'static str> {
    KEYS.iter().filter(move |key| key.place == place).map(|key| key.name)
}
