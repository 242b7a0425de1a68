//! Searches in the file of traces, also while a gateway writes it.

use std::path::Path;
use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, Row, params_from_iter};

use super::TraceError;
use super::entry::{ConversationOutcome, TraceEntry};
use super::file::{APPLICATION_ID, SCHEMA_VERSION, reversed};

/// The columns of a [`TracedConversation`].
const COLUMNS: &str =
    "id, began, updated, execution, route, flow, contact, address, outcome, turns, slowest, reason";

/// The file, open for reading.
#[derive(Debug)]
pub struct TraceReader {
    connection: Connection,
}

/// A call, an execution, or a message of a route without a flow file. Times are microseconds, those
/// of a clock since 1970.
#[derive(Clone, Debug, PartialEq)]
pub struct TracedConversation {
    /// Its number in the file.
    pub id: i64,
    /// When it began.
    pub began: i64,
    /// When it changed last.
    pub updated: i64,
    /// The sid of the execution; empty without one.
    pub execution: String,
    /// The path of the route.
    pub route: String,
    /// The name of the flow.
    pub flow: String,
    /// The address of the contact.
    pub contact: String,
    /// The address of the flow.
    pub address: String,
    /// The outcome.
    pub outcome: ConversationOutcome,
    /// The number of exchanges.
    pub turns: i64,
    /// The longest time until an answer.
    pub slowest: i64,
    /// The cause of the last failure.
    pub reason: Option<String>,
}

/// What conversations a list has. All conditions hold for each.
#[derive(Clone, Debug, Default)]
pub struct TraceQuery {
    /// The number of the contact, or its last digits.
    pub number: Option<String>,
    /// The path of the route.
    pub route: Option<String>,
    /// The name of the flow.
    pub flow: Option<String>,
    /// The outcome.
    pub outcome: Option<ConversationOutcome>,
    /// Changed at or after this time, in microseconds since 1970.
    pub since: Option<i64>,
    /// With an answer that took longer than this, in microseconds.
    pub slower_than: Option<i64>,
    /// Before the conversation with this number, for the next page.
    pub before: Option<i64>,
    /// At most so many, newest first.
    pub limit: usize,
}

/// An exchange with its place in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct FollowedEntry {
    /// The number of the exchange.
    pub id: i64,
    /// The number of its conversation.
    pub conversation: i64,
    /// The exchange.
    pub entry: TraceEntry,
}

impl TraceReader {
    /// Opens a file that a gateway writes.
    ///
    /// # Errors
    /// A missing file, another program's, or one that SQLite cannot read.
    pub fn open(path: &Path) -> Result<TraceReader, TraceError> {
        let file = path.display().to_string();
        if !path.exists() {
            return Err(TraceError::Missing(file));
        }
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(Duration::from_secs(2))?;
        let number =
            |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
        let reason = match [number("application_id")?, number("user_version")?] {
            [APPLICATION_ID, SCHEMA_VERSION] => return Ok(TraceReader { connection }),
            [APPLICATION_ID, version] => {
                format!("it has version {version}, and this program reads {SCHEMA_VERSION}")
            }
            _ => "another program wrote it".to_owned(),
        };
        Err(TraceError::Foreign { file, reason })
    }

    /// The conversations with a sid (of an execution, a call or a message), newest first.
    pub fn find(&self, sid: &str) -> Result<Vec<TracedConversation>, TraceError> {
        let by_sid = format!(
            "SELECT {COLUMNS} FROM conversation \
             WHERE id IN (SELECT conversation FROM sid WHERE sid = ?1) ORDER BY id DESC"
        );
        let mut statement = self.connection.prepare(&by_sid)?;
        let rows = statement.query_map([sid], to_conversation)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// A conversation by its number.
    pub fn conversation(&self, id: i64) -> Result<Option<TracedConversation>, TraceError> {
        let by_id = format!("SELECT {COLUMNS} FROM conversation WHERE id = ?1");
        let mut statement = self.connection.prepare(&by_id)?;
        Ok(statement.query_map([id], to_conversation)?.next().transpose()?)
    }

    /// A page of conversations.
    pub fn list(&self, query: &TraceQuery) -> Result<Vec<TracedConversation>, TraceError> {
        let mut conditions = Vec::new();
        let mut values: Vec<Value> = Vec::new();
        let mut add = |condition: &str, value: Value| {
            values.push(value);
            conditions.push(condition.replace('?', &format!("?{}", values.len())));
        };
        if let Some(number) = &query.number {
            if number.starts_with('+') || number.contains(':') {
                add("contact = ?", number.clone().into());
            } else {
                // Digits only: a pattern is the user's, and not a part of the statement.
                let digits: String = number.chars().filter(char::is_ascii_digit).collect();
                add("tail GLOB ?", format!("{}*", reversed(&digits)).into());
            }
        }
        if let Some(route) = &query.route {
            add("route = ?", route.clone().into());
        }
        if let Some(flow) = &query.flow {
            add("flow = ?", flow.clone().into());
        }
        if let Some(outcome) = query.outcome {
            add("outcome = ?", outcome.name().to_owned().into());
        }
        for (condition, value) in
            [("updated >= ?", query.since), ("slowest > ?", query.slower_than)]
        {
            if let Some(value) = value {
                add(condition, value.into());
            }
        }
        if let Some(before) = query.before {
            add("id < ?", before.into());
        }
        let conditions = match conditions.is_empty() {
            true => String::new(),
            false => format!("WHERE {}", conditions.join(" AND ")),
        };
        let limit = query.limit;
        let list = format!(
            "SELECT {COLUMNS} FROM conversation {conditions} ORDER BY id DESC LIMIT {limit}"
        );
        let mut statement = self.connection.prepare(&list)?;
        let rows = statement.query_map(params_from_iter(values), to_conversation)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The exchanges of a conversation, in order.
    pub fn entries(&self, conversation: i64) -> Result<Vec<TraceEntry>, TraceError> {
        let of = "SELECT id, conversation, entry FROM exchange WHERE conversation = ?1 ORDER BY id";
        let entries = self.read_entries(of, conversation)?;
        Ok(entries.into_iter().map(|followed| followed.entry).collect())
    }

    /// At most a thousand exchanges after one, in order.
    pub fn entries_after(&self, exchange: i64) -> Result<Vec<FollowedEntry>, TraceError> {
        let after =
            "SELECT id, conversation, entry FROM exchange WHERE id > ?1 ORDER BY id LIMIT 1000";
        self.read_entries(after, exchange)
    }

    /// The number of the last exchange; 0 without one.
    pub fn last_exchange(&self) -> Result<i64, TraceError> {
        let last = "SELECT COALESCE(MAX(id), 0) FROM exchange";
        Ok(self.connection.query_row(last, [], |row| row.get(0))?)
    }

    fn read_entries(&self, select: &str, value: i64) -> Result<Vec<FollowedEntry>, TraceError> {
        let mut statement = self.connection.prepare(select)?;
        let read = |row: &Row<'_>| {
            let json: String = row.get(2)?;
            // A damaged entry costs itself, and not the conversation.
            let entry = serde_json::from_str(&json).unwrap_or_else(|error| TraceEntry {
                reason: Some(format!("this exchange cannot be read: {error}")),
                ..TraceEntry::default()
            });
            Ok(FollowedEntry { id: row.get(0)?, conversation: row.get(1)?, entry })
        };
        let rows = statement.query_map([value], read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

fn to_conversation(row: &Row<'_>) -> rusqlite::Result<TracedConversation> {
    let outcome: String = row.get(8)?;
    Ok(TracedConversation {
        id: row.get(0)?,
        began: row.get(1)?,
        updated: row.get(2)?,
        execution: row.get(3)?,
        route: row.get(4)?,
        flow: row.get(5)?,
        contact: row.get(6)?,
        address: row.get(7)?,
        outcome: ConversationOutcome::from_name(&outcome).unwrap_or(ConversationOutcome::Active),
        turns: row.get(9)?,
        slowest: row.get(10)?,
        reason: row.get(11)?,
    })
}
