//! Every bound, with its unit in the name and the reason for the number.

use std::time::Duration;

/// Body of one webhook. Twilio's largest, a message with its add-ons, stays under 20 kB.
pub const WEBHOOK_BODY_BYTES_MAX: usize = 64 * 1024;

/// Parameters of one webhook. Twilio sends 20 to 60; SIP headers add some.
pub const WEBHOOK_PARAMETERS_MAX: usize = 1_000;

/// The body of one answer: at 64 kB the carrier gives up (error 11750).
pub const DOCUMENT_BYTES_MAX: usize = 64 * 1024;

/// How long the head of a request may take to arrive (slow loris).
pub const REQUEST_HEAD_WITHIN: Duration = Duration::from_secs(5);

/// How long an idle connection of a client stays open.
pub const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Open connections of clients per worker: beyond it, new ones wait in the accept queue.
pub const CONNECTIONS_PER_WORKER_MAX: usize = 10_000;

/// On SIGTERM: what is in flight is answered for this long, the most that
/// `server.answer_within_ms` can be.
pub const DRAIN_WITHIN: Duration = Duration::from_secs(13);

/// How long the reply to a webhook is stored for its repeats. Carriers repeat within seconds; a
/// captured request that is replayed later than this finds its step token gone.
pub const CLAIM_KEPT: Duration = Duration::from_secs(600);

/// How long it is remembered, without the reply, that a message was taken or a call begun: they
/// have no step token, and a signature has no date, so nothing else distinguishes a captured one
/// from a new one.
pub const REPLAY_REFUSED: Duration = Duration::from_secs(48 * 3_600);

/// As many of these are known without a look-up, at about 80 bytes each: 2,000 an hour. `memory:`
/// remembers no more.
pub const EXPIRED_CLAIMS_MAX: usize = 100_000;

/// Memory for the replies to repeats: at 600 bytes a reply, the last five thousand
/// webhooks. Under more load than eight a second, that is less than [`CLAIM_KEPT`].
pub const CLAIMS_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Claims that are known to be in the store although there was no room for their replies, at about
/// 80 bytes each: 330 webhooks a second for [`CLAIM_KEPT`]. With more, a new one costs a look-up.
pub const CLAIMS_KNOWN_MAX: usize = 200_000;

/// Sessions that are known to have an active execution, at about 60 bytes each: the calls of a
/// month whose end was never reported, at 6,000 a day. With more, each webhook costs a look-up.
pub const SESSIONS_KNOWN_MAX: usize = 200_000;

/// Memory for the latest states of executions that go on, at about 2 kB each: four thousand calls
/// or talks whose next turn costs no look-up.
pub const STATES_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How long an execution that nothing happens to is stored, active or ended.
pub const EXECUTION_KEPT: Duration = Duration::from_secs(30 * 24 * 3_600);

/// Rows that one round of expiry removes, about: a few milliseconds during which no webhook is
/// served.
pub const EXPIRED_ROWS_MAX: usize = 1_000;

/// Executions that `memory:` keeps: at 2 kB of state and some steps, about a hundred megabytes.
pub const MEMORY_EXECUTIONS_MAX: usize = 20_000;

/// Requests that wait for the one thread that writes the store: a quarter of a second's worth.
pub const STORE_QUEUE_MAX: usize = 4_096;

/// Changes written as one group. More would gain little, and cost milliseconds of waiting.
pub const STORE_GROUP_MAX: usize = 64;

/// How long the store waits for a lock that another program has on its file, a backup perhaps.
pub const STORE_LOCKED_WITHIN: Duration = Duration::from_millis(500);

/// While the store fails, a small write is tried in this time, to see whether it works again.
pub const STORE_PROBE_EVERY: Duration = Duration::from_secs(1);

/// How long a process that ends waits for its store to be closed: the log is moved into the file
/// then, some 20 MB. With [`DRAIN_WITHIN`] it stays below the 20 s after which the unit is killed.
pub const STORE_CLOSED_WITHIN: Duration = Duration::from_secs(5);

/// Steps of one execution (Studio: 81000).
pub const STEPS_MAX: u32 = 1_000;

/// The configuration. A thousand routes have 200 kB.
pub const CONFIG_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What `render` takes its variables from.
pub const RENDER_DATA_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// One flow file. Real exports of a dozen widgets have under 20 kB; Studio reportedly takes 1 MB.
pub const FLOW_BYTES_MAX: u64 = 1024 * 1024;

/// One flow test. Ten thousand cases of ten lines have 5 MB.
pub const SCRIPT_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Lists and tables within each other in a flow file, as the parser recurses. Real exports nest
/// eight deep.
pub const FLOW_NESTING_MAX: usize = 64;

/// One widget entered this often in a row ends the execution (Studio: 81001).
pub const SAME_WIDGET_MAX: u32 = 10;

/// One rendered text of a flow (Studio: 16 kB).
pub const STRING_BYTES_MAX: usize = 16 * 1024;

/// Rounds of one Liquid loop in a flow (Studio: 15).
pub const LOOP_ROUNDS_MAX: u32 = 15;

/// Widgets of one flow (Studio's schema: 1,000).
pub const WIDGETS_MAX: usize = 1_000;

/// Memory that a compiled `regex` condition may take: ordinary ones take some kilobytes.
pub const PATTERN_BYTES_MAX: usize = 1024 * 1024;

/// Messages in the answer to one (Twilio: 14109). What is beyond goes over the carrier's API.
pub const MESSAGES_PER_REPLY_MAX: usize = 10;

/// Numbers that `connect-call-to` calls at the same time (Twilio: 10).
pub const DIALLED_AT_ONCE_MAX: usize = 10;

/// How long `send-and-wait-for-reply` waits where the flow does not say (Studio: an hour).
pub const REPLY_WITHIN: Duration = Duration::from_secs(3_600);

/// How long `add-twiml-redirect` waits for the call where the flow does not say (Studio: 4 hours).
pub const RETURN_WITHIN: Duration = Duration::from_secs(14_400);

/// How long one request to the carrier's API may take, repetitions included. A webhook's own
/// deadline may end it before.
pub const CARRIER_WITHIN: Duration = Duration::from_secs(8);

/// How often the carrier's API is asked for one thing that it refuses for now.
pub const CARRIER_TRIES_MAX: u32 = 3;

/// How long a turn may take that no webhook waits for.
pub const TIMER_TURN_WITHIN: Duration = Duration::from_secs(60);

/// How often waits are looked for that are over.
pub const TIMER_EVERY: Duration = Duration::from_secs(1);

/// How often expired rows are removed from the store.
pub const EXPIRE_EVERY: Duration = Duration::from_secs(60);

/// The wall clock and the monotonic one may differ by this much from one reading to the next:
/// more is not drift, and not what time servers do to a clock that runs.
pub const CLOCK_JUMP_MAX: Duration = Duration::from_secs(900);

/// A wall clock that jumped is believed after this time without another jump. An operator who set
/// it wrongly has time to notice before rows expire.
pub const CLOCK_BELIEVED_AFTER: Duration = Duration::from_secs(600);

/// Waits that are ended at once, so that many of them do not keep webhooks waiting.
pub const TIMERS_AT_ONCE: usize = 100;

/// Log text that waits for a slow reader of our output; beyond it, lines are dropped and counted.
pub const LOG_BYTES_MAX: usize = 1024 * 1024;

/// One template file. A document may have 64 kB; a template that makes it has less.
pub const TEMPLATE_BYTES_MAX: u64 = 256 * 1024;

/// Files in the templates folder, so that a wrong folder does not fill the memory.
pub const TEMPLATES_MAX: usize = 10_000;

/// A server that a flow asks: for the whole answer, as `function.timeout_ms` is by default.
pub const FUNCTION_WITHIN: Duration = Duration::from_secs(5);

/// The same for its body, as `function.max_body_bytes` (Studio: 64 kB).
pub const FUNCTION_BODY_BYTES_MAX: usize = 64 * 1024;

/// The same for its connections per worker, as `function.connections`.
pub const FUNCTION_CONNECTIONS_MAX: usize = 1_024;

/// Servers that one worker keeps connections to; beyond it, all are made anew.
pub const FUNCTION_CLIENTS_MAX: usize = 1_000;

/// Redirects that one call of a function follows. Browsers take 20; a function needs one or two.
pub const FUNCTION_REDIRECTS_MAX: usize = 5;

/// How long an idle connection to a function stays open: less than the 5 s after which Node closes
/// it, so that we never write into a connection that is just being closed.
pub const FUNCTION_IDLE_MAX: Duration = Duration::from_secs(4);

/// A used connection to a function ended as we wrote: how long the reset is waited for that proves
/// that our request was not read. A round trip, and some.
pub const FUNCTION_RESET_WITHIN: Duration = Duration::from_millis(250);

/// Addresses of one name that are tried. A name with 500 records must not eat the deadline.
pub const FUNCTION_ADDRESSES_MAX: usize = 8;

/// With several addresses: how long one may take to connect before the next one is tried.
pub const FUNCTION_NEXT_ADDRESS_AFTER: Duration = Duration::from_secs(1);

/// How long a name's last good addresses are used while the name server fails.
pub const LAST_GOOD_ADDRESS_FOR: Duration = Duration::from_secs(60);

/// With a last good answer at hand: how long the name server may take before that is used.
pub const RESOLVE_WITHIN: Duration = Duration::from_secs(1);

/// Interim answers (1xx) of one call, all together. A 103 with its links stays under 4 kB.
pub const FUNCTION_INTERIM_BYTES_MAX: usize = 16 * 1024;

/// Calls that go on while their callers hear the hold document. Each is a connection of a function
/// and a few kilobytes; with more, a call is made as if its function had no `hold`.
pub const HELD_CALLS_MAX: usize = 1_000;

/// How long an outcome waits for a caller who still hears the hold document.
pub const HELD_OUTCOME_KEPT: Duration = Duration::from_secs(600);

/// Memory for those outcomes: a thousand of 16 kB.
pub const HELD_OUTCOMES_BYTES_MAX: usize = 32 * 1024 * 1024;

/// How often one call may be waited for. At the default of `hold_after_ms` that is twenty minutes,
/// twice what a function may take: only calls that restarts begin again and again come here.
pub const HOLD_TIMES_MAX: u32 = 300;

/// What is left of the time for an answer when a caller is held: to write and keep the document.
/// The store may wait for [`STORE_LOCKED_WITHIN`] of it.
pub const HOLD_WITHIN: Duration = Duration::from_secs(1);

/// How long a pending call without a poll is left before it is checked that a worker still makes
/// it: what a restart may cost a person who waits for a message.
pub const HOLD_LOOK_EVERY: Duration = Duration::from_secs(10);

/// Failures without a success between them that open a function's breaker …
pub const BREAKER_FAILURES: usize = 5;

/// … when they come within this time.
pub const BREAKER_WINDOW: Duration = Duration::from_secs(10);

/// While the breaker is open, one call in this time goes through to see whether it helps.
pub const BREAKER_PROBE_EVERY: Duration = Duration::from_secs(5);

/// How long a call waits for its turn with a function that is quicker than that. A burst is
/// absorbed, and after an overload all is as before within 5 s, even at half of what the function
/// can do. A longer queue would serve no caller more.
pub const FUNCTION_QUEUE_WITHIN: Duration = Duration::from_secs(2);

/// A timeout counts against the function only if it had at least this long (or its whole own
/// timeout): what an earlier step of the flow used up is not its fault.
pub const BREAKER_TIMEOUT_MIN: Duration = Duration::from_secs(1);

/// A request of Studio's REST.
pub const STUDIO_BODY_BYTES_MAX: usize = 64 * 1024;

/// To read such a request and to wait for the lock of its execution.
pub const STUDIO_WITHIN: Duration = Duration::from_secs(15);

/// Executions or steps on a page of Studio's REST, where nothing else is asked for (Twilio's).
pub const STUDIO_PAGE_SIZE: usize = 50;

/// At most so many on a page (Twilio's).
pub const STUDIO_PAGE_SIZE_MAX: usize = 1_000;

/// The last page that can be asked for by its number.
pub const STUDIO_PAGE_MAX: usize = 10_000;

/// `To` and `From` of an execution together (Twilio 81023).
pub const STUDIO_ADDRESSES_BYTES_MAX: usize = 300;

/// The longest that a person waits in a simulated conversation: executions are kept for 30 days,
/// and a year has 366 days.
pub const PHONE_WAIT_MAX: Duration = Duration::from_secs(400 * 24 * 3_600);

/// The longest that a person waits for an application elsewhere, whose time is the real one.
pub const PHONE_REAL_WAIT_MAX: Duration = Duration::from_secs(60);

/// Documents that a simulated call runs through without the caller doing anything, before the
/// phone asks whether to go on: an application that redirects to itself never ends.
pub const PHONE_DOCUMENTS_MAX: usize = 20;

/// Redirects of one webhook that a carrier follows (11215).
pub const CARRIER_REDIRECTS_MAX: usize = 10;

/// Callers of a load at the same time, unless given otherwise: each has a socket, and many systems
/// allow 1,024 files.
pub const LOAD_AT_ONCE_MAX: usize = 500;

/// How often a load looks whether it was stopped.
pub const LOAD_STOP_LOOK_EVERY: Duration = Duration::from_millis(100);

/// Executions that are given another name of their flow at the same time. Each is held in memory
/// with its state, of up to some 100 kB.
pub const ADOPTED_AT_ONCE: usize = 256;
