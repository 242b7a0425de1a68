//! The limits of the gateway. A name says the unit, and a comment the reason for the number.

mod node;

pub(crate) use node::*;

use std::time::Duration;

// Webhooks and the listener. The carrier gives up after 15 s, which bounds most times here.

/// The body of one webhook. Twilio's largest, a message with its add-ons, has less than 20 kB.
pub const WEBHOOK_BODY_BYTES_MAX: usize = 64 * 1024;

/// Parameters of one webhook. Twilio sends 20 to 60; SIP headers add some.
pub const WEBHOOK_PARAMETERS_MAX: usize = 1_000;

/// The body of one answer: the carrier refuses more than 64 kB (error 11750).
pub const DOCUMENT_BYTES_MAX: usize = 64 * 1024;

/// The time for the head of a request to arrive. Clients that send slowly on purpose (slow loris)
/// must not use up the connections.
pub(crate) const REQUEST_HEAD_WITHIN: Duration = Duration::from_secs(5);

/// The time for which an idle connection of a client stays open.
pub const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Open connections of clients per worker; more wait in the accept queue.
pub(crate) const CONNECTIONS_PER_WORKER_MAX: usize = 10_000;

/// The time after SIGTERM in which requests in flight are answered: the maximum of
/// `server.answer_within_ms`.
pub const DRAIN_WITHIN: Duration = Duration::from_secs(13);

// The store, and what it is known to contain without a look-up.

/// The time for which the reply to a webhook is stored for its repeats. Carriers repeat within
/// seconds; a captured request that is replayed later than this finds its step token gone.
pub const CLAIM_KEPT: Duration = Duration::from_secs(600);

/// The turns that equal requests may take: a document that asks for the same URL again and again
/// once a second, as long as [`CLAIM_KEPT`]. It also bounds what a captured request can cause.
pub(crate) const EQUAL_TURNS_MAX: usize = 600;

/// The time for which it is known, without the reply, that a message was accepted or a call begun.
/// These webhooks have no step token, and a signature has no date, so nothing else distinguishes a
/// captured one from a new one.
pub const REPLAY_REFUSED: Duration = Duration::from_secs(48 * 3_600);

/// The number of these that are known without a look-up, at about 80 bytes each: 2,000 an hour.
/// `memory:` has no others.
pub(crate) const EXPIRED_CLAIMS_MAX: usize = 100_000;

/// Memory for the replies to repeats: at 600 bytes a reply, the last five thousand
/// webhooks. Under more load than eight a second, that is less than [`CLAIM_KEPT`].
pub const CLAIMS_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Claims that are known to be in the store although there was no room for their replies, at about
/// 80 bytes each: 330 webhooks a second for [`CLAIM_KEPT`]. With more, a new one costs a look-up.
pub(crate) const CLAIMS_KNOWN_MAX: usize = 200_000;

/// Sessions that are known to have an active execution, at about 60 bytes each: the calls of a
/// month whose end was never reported, at 6,000 a day. With more, each webhook costs a look-up.
pub(crate) const SESSIONS_KNOWN_MAX: usize = 200_000;

/// Memory for the latest states of active executions, at about 2 kB each: four thousand calls or
/// chats whose next turn costs no look-up.
pub(crate) const STATES_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The time for which an execution is stored after its last change, active or ended.
pub const EXECUTION_KEPT: Duration = Duration::from_secs(30 * 24 * 3_600);

/// Exchanges that wait for the thread of the traces, at some kilobytes each.
pub(crate) const TRACE_QUEUE_MAX: usize = 2_000;

/// How often old traces are looked for.
pub(crate) const TRACE_EXPIRE_EVERY: Duration = Duration::from_secs(60);

/// How long a trace file that cannot be opened is left alone.
pub(crate) const TRACE_RETRY_EVERY: Duration = Duration::from_secs(5);

/// Conversations that one transaction deletes from the traces.
pub(crate) const TRACE_ROWS_PER_DELETE: i64 = 500;

/// One text of a trace: a document, or the answer of a function. Longer ones are cut.
pub(crate) const TRACE_TEXT_BYTES_MAX: usize = 16 * 1024;

/// About the number of rows that one round of expiry removes: a few milliseconds in which the store
/// serves no webhook.
pub(crate) const EXPIRED_ROWS_MAX: usize = 1_000;

/// Executions that `memory:` stores: at 2 kB of state and some steps, about a hundred megabytes.
pub const MEMORY_EXECUTIONS_MAX: usize = 20_000;

/// Requests that wait for the one thread that writes the store: a quarter of a second's worth.
pub const STORE_QUEUE_MAX: usize = 4_096;

/// Changes written as one group. More would gain little, and cost milliseconds of waiting.
pub const STORE_GROUP_MAX: usize = 64;

/// How long a database may be away before requests to it fail at once. A restart or a change to its
/// standby takes less, and callers only wait.
pub(crate) const STORE_RIDE_OUT: Duration = Duration::from_secs(4);

/// The time for one statement of a database. Then its connection is closed.
pub(crate) const STORE_STATEMENT_WITHIN: Duration = Duration::from_secs(2);

/// How long a request to a database is sent again.
pub(crate) const STORE_SENT_WITHIN: Duration = Duration::from_secs(10);

/// The longest pause between two attempts to connect to a database.
pub(crate) const STORE_RECONNECT_MAX: Duration = Duration::from_secs(2);

/// The time in which the store waits for a lock of another program, perhaps a backup, on its file.
pub(crate) const STORE_LOCKED_WITHIN: Duration = Duration::from_millis(500);

/// The interval of a small write while the store fails, to see whether it works again.
pub(crate) const STORE_PROBE_EVERY: Duration = Duration::from_secs(1);

/// The time in which a process that ends waits for its store to close: SQLite moves its log, some
/// 20 MB, into the file. With [`DRAIN_WITHIN`] it is below the 20 s after which systemd kills the
/// unit.
pub(crate) const STORE_CLOSED_WITHIN: Duration = Duration::from_secs(5);

// Functions' cookies, which go back to the carrier.

/// Cookies that one answer sets. Applications set one or two.
pub(crate) const COOKIES_MAX: usize = 20;

/// One cookie with its attributes (RFC 6265, section 6.1: clients store at least 4,096 bytes).
pub(crate) const COOKIE_BYTES_MAX: usize = 4_096;

// Files, and the flows in them. Studio's limits are the same where it has one.

/// Steps of one execution (Studio: 81000).
pub const STEPS_MAX: u32 = 1_000;

/// The configuration. A thousand routes have 200 kB.
pub(crate) const CONFIG_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The file with the variables for `render`.
pub(crate) const RENDER_DATA_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// One flow file. Real exports of a dozen widgets have less than 20 kB; Studio reportedly accepts
/// 1 MB.
pub(crate) const FLOW_BYTES_MAX: u64 = 1024 * 1024;

/// One flow test. Ten thousand cases of ten lines have 5 MB.
pub(crate) const SCRIPT_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Nesting of lists and tables in a flow file, because the parser recurses. Real exports nest eight
/// deep.
pub(crate) const FLOW_NESTING_MAX: usize = 64;

/// Entries of one widget in a row; more end the execution (Studio: 81001).
pub(crate) const SAME_WIDGET_MAX: u32 = 10;

/// One rendered text of a flow (Studio: 16 kB).
pub(crate) const STRING_BYTES_MAX: usize = 16 * 1024;

/// Rounds of one Liquid loop in a flow (Studio: 15). A longer loop is cut, and logged.
pub(crate) const LOOP_ROUNDS_MAX: u32 = 15;

/// Widgets of one flow (Studio's schema: 1,000).
pub(crate) const WIDGETS_MAX: usize = 1_000;

/// Transitions of a flow of which a picture is drawn. Public flows have two for each widget.
pub(crate) const PICTURE_TRANSITIONS_MAX: usize = 10_000;

/// Memory for a compiled `regex` condition. Ordinary ones need some kilobytes.
pub(crate) const PATTERN_BYTES_MAX: usize = 1024 * 1024;

/// Instructions of a compiled pattern that backtracks. Ordinary ones have some dozens.
pub(crate) const PATTERN_INSTRUCTIONS_MAX: usize = 20_000;

/// Steps back that a pattern may take for one text. Ordinary ones take some hundreds; this many
/// take some milliseconds, during which the thread serves no other webhook.
pub(crate) const PATTERN_STEPS_MAX: usize = 50_000;

// The carrier and its API.

/// One message (Twilio: 21617). A longer text of a function is sent as several.
pub(crate) const MESSAGE_CHARACTERS_MAX: usize = 1_600;

/// The text of one `<Say>` (Twilio: 4 kB). A longer text of a function is spoken by several.
pub(crate) const SAY_BYTES_MAX: usize = 4_096;

/// Messages in the answer to a message (Twilio: 14109). More are sent over the carrier's API.
pub(crate) const MESSAGES_PER_REPLY_MAX: usize = 10;

/// Numbers that `connect-call-to` calls at the same time (Twilio: 10).
pub(crate) const DIALLED_AT_ONCE_MAX: usize = 10;

/// The default time for which `send-and-wait-for-reply` waits (Studio: an hour).
pub(crate) const REPLY_WITHIN: Duration = Duration::from_secs(3_600);

/// The default time for which `add-twiml-redirect` waits for the call (Studio: 4 hours).
pub(crate) const RETURN_WITHIN: Duration = Duration::from_secs(14_400);

/// The time for one request to the carrier's API, repetitions included. The deadline of a webhook
/// may end it earlier.
pub(crate) const CARRIER_WITHIN: Duration = Duration::from_secs(8);

/// The time for one try of a request to the carrier's API.
pub(crate) const CARRIER_TRY_WITHIN: Duration = Duration::from_secs(5);

/// Tries of one request that the carrier's API refuses for now.
pub(crate) const CARRIER_TRIES_MAX: u32 = 3;

// Timers and clocks.

/// The time for a turn that no webhook waits for.
pub(crate) const TIMER_TURN_WITHIN: Duration = Duration::from_secs(60);

/// The time from a webhook of a flow file to its answer, unless `server.answer_within_ms` is set:
/// [`FLOW_FUNCTION_WITHIN`], and time for the rest of the turn. The carrier waits for 15 s.
pub(crate) const FLOW_ANSWER_WITHIN: Duration = Duration::from_secs(13);

/// The rest of that time that a call leaves, so that the widgets after a function that never
/// answers still reply. The store may wait for [`STORE_LOCKED_WITHIN`] of it.
pub(crate) const FLOW_REPLY_WITHIN: Duration = Duration::from_millis(750);

/// The interval of the search for waits that have ended.
pub(crate) const TIMER_EVERY: Duration = Duration::from_secs(1);

/// The interval in which expired rows are removed from the store.
pub(crate) const EXPIRE_EVERY: Duration = Duration::from_secs(60);

/// The difference that the wall clock and the monotonic one may gain from one reading to the next.
/// More is neither drift nor the correction of a time server.
pub(crate) const CLOCK_JUMP_MAX: Duration = Duration::from_secs(900);

/// The time after a jump of the wall clock, without another one, until it is believed. An operator
/// who set it wrongly has time to notice before rows expire.
pub(crate) const CLOCK_BELIEVED_AFTER: Duration = Duration::from_secs(600);

/// Waits that are ended in one round, so that many of them do not delay webhooks.
pub(crate) const TIMERS_AT_ONCE: usize = 100;

/// The buffer for a slow reader of the log. With more, lines are dropped and counted.
pub(crate) const LOG_BYTES_MAX: usize = 1024 * 1024;

/// Searches for the cause of a refusal at once …
pub(crate) const CAUSE_SEARCHES_MAX: u32 = 8;

/// … and one more in this time.
pub(crate) const CAUSE_SEARCH_EVERY: Duration = Duration::from_secs(1);

/// The bytes that one search hashes, about 20 ms: a thousand variants of a usual webhook.
pub(crate) const CAUSE_SEARCH_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The keys that one search tries, where a refused request may be of many accounts.
pub(crate) const CAUSE_SEARCH_KEYS_MAX: usize = 8;

/// One template file. A document may have 64 kB, and its template usually has less.
pub(crate) const TEMPLATE_BYTES_MAX: u64 = 256 * 1024;

/// Files in the templates folder, so that a wrong folder does not fill the memory.
pub(crate) const TEMPLATES_MAX: usize = 10_000;

// Functions, and servers that a flow calls by their URLs.

/// The time for the whole answer of a function that the short form of a route calls, unless
/// `function.timeout_ms` is set.
pub(crate) const FUNCTION_WITHIN: Duration = Duration::from_secs(5);

/// The same for the functions and URLs that a flow file calls: Studio's documentation allows 10
/// seconds for Run Function and Make HTTP Request.
pub(crate) const FLOW_FUNCTION_WITHIN: Duration = Duration::from_secs(10);

/// The body of such an answer: the default of `function.max_body_bytes` (Studio: 64 kB).
pub(crate) const FUNCTION_BODY_BYTES_MAX: usize = 64 * 1024;

/// Connections to such a server, per worker: the default of `function.connections`.
pub(crate) const FUNCTION_CONNECTIONS_MAX: usize = 1_024;

/// Servers to which one worker has open connections. With more, all connections are made again.
pub const FUNCTION_CLIENTS_MAX: usize = 1_000;

/// Redirects that one call of a function follows. Browsers take 20; a function needs one or two.
pub(crate) const FUNCTION_REDIRECTS_MAX: usize = 5;

/// The time for which an idle connection to a function stays open: less than the 5 s after which
/// Node closes it, so that no request is written into a connection that is being closed.
pub(crate) const FUNCTION_IDLE_MAX: Duration = Duration::from_secs(4);

/// The wait for a reset, after a used connection ended during a request: the reset proves that the
/// request was not read. A round trip, and some.
pub(crate) const FUNCTION_RESET_WITHIN: Duration = Duration::from_millis(250);

/// Addresses of one name that are tried. A name with 500 records must not eat the deadline.
pub(crate) const FUNCTION_ADDRESSES_MAX: usize = 8;

/// The time for a connection to one of several addresses before the next one is tried.
pub(crate) const FUNCTION_NEXT_ADDRESS_AFTER: Duration = Duration::from_secs(1);

/// The time for which the last addresses of a name are used while the name server fails.
pub(crate) const LAST_GOOD_ADDRESS_FOR: Duration = Duration::from_secs(60);

/// The time for the name server before the last addresses of a name are used, if there are any.
pub(crate) const RESOLVE_WITHIN: Duration = Duration::from_secs(1);

/// Interim answers (1xx) of one call, all together. A 103 with its links has less than 4 kB.
pub(crate) const FUNCTION_INTERIM_BYTES_MAX: usize = 16 * 1024;

/// Calls that are pending while their callers hear the hold document. Each has a connection of a
/// function and a few kilobytes. With more, a call is made as if its function had no `hold`.
pub const HELD_CALLS_MAX: usize = 1_000;

/// The time for which an outcome is available to a caller who still hears the hold document.
pub const HELD_OUTCOME_KEPT: Duration = Duration::from_secs(600);

/// Memory for those outcomes: a thousand of 16 kB.
pub const HELD_OUTCOMES_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Hold documents of one call. At the default of `hold_after_ms` that is twenty minutes, twice the
/// longest timeout of a function: only calls that restarts begin again and again reach it.
pub(crate) const HOLD_TIMES_MAX: u32 = 300;

/// The rest of the time for an answer that is reserved to render and store a hold document. The
/// store may wait for [`STORE_LOCKED_WITHIN`] of it.
pub(crate) const HOLD_WITHIN: Duration = Duration::from_secs(1);

/// The time after which a pending call without a poll is checked for a worker that still makes it:
/// the delay that a restart may cost a person who waits for a message.
pub(crate) const HOLD_LOOK_EVERY: Duration = Duration::from_secs(10);

/// Failures without a success between them that open a function's breaker …
pub(crate) const BREAKER_FAILURES: usize = 5;

/// … when they come within this time.
pub(crate) const BREAKER_WINDOW: Duration = Duration::from_secs(10);

/// While the breaker is open, one call in this time is made, to see whether the function recovered.
pub(crate) const BREAKER_PROBE_EVERY: Duration = Duration::from_secs(5);

/// The time for which a call waits in the queue of a function that is faster than that. A burst is
/// absorbed, and after an overload the queue is empty within 5 s, even at half of the function's
/// capacity. A longer queue would not serve more callers.
pub(crate) const FUNCTION_QUEUE_WITHIN: Duration = Duration::from_secs(2);

/// A timeout counts against a function only if it had at least this time, or its whole own timeout:
/// it is not responsible for the time of earlier steps of the flow.
pub(crate) const BREAKER_TIMEOUT_MIN: Duration = Duration::from_secs(1);

// Studio's REST API.

/// The body of a request to Studio's REST API.
pub(crate) const STUDIO_BODY_BYTES_MAX: usize = 64 * 1024;

/// The time to read such a request and to wait for the lock of its execution.
pub(crate) const STUDIO_WITHIN: Duration = Duration::from_secs(15);

/// Executions or steps on a page of Studio's REST API, by default (as at Twilio).
pub(crate) const STUDIO_PAGE_SIZE: usize = 50;

/// The maximum on a page (as at Twilio).
pub(crate) const STUDIO_PAGE_SIZE_MAX: usize = 1_000;

/// The last page that can be requested by its number.
pub(crate) const STUDIO_PAGE_MAX: usize = 10_000;

/// `To` and `From` of an execution together (Twilio 81023).
pub(crate) const STUDIO_ADDRESSES_BYTES_MAX: usize = 300;

// The simulated phone and load.

/// The longest wait in a simulated conversation: executions are stored for 30 days, and a year has
/// 366 days.
pub(crate) const PHONE_WAIT_MAX: Duration = Duration::from_secs(400 * 24 * 3_600);

/// The longest wait for an application elsewhere, whose time is real.
pub(crate) const PHONE_REAL_WAIT_MAX: Duration = Duration::from_secs(60);

/// Documents of a simulated call without an action of the caller, before the phone asks whether to
/// continue: an application that redirects to itself never ends.
pub(crate) const PHONE_DOCUMENTS_MAX: usize = 20;

/// Redirects of one webhook that a carrier follows (11215).
pub(crate) const CARRIER_REDIRECTS_MAX: usize = 10;

/// The default of callers at the same time under load: each has a socket, and many systems allow
/// 1,024 files.
pub(crate) const LOAD_AT_ONCE_MAX: usize = 500;

/// The interval in which a load checks whether it was stopped.
pub(crate) const LOAD_STOP_LOOK_EVERY: Duration = Duration::from_millis(100);

// The adoption of executions by a flow with another name.

/// Executions that get another name of their flow in one step. Each is in memory with its state, of
/// up to some 100 kB.
pub(crate) const ADOPTED_AT_ONCE: usize = 256;
