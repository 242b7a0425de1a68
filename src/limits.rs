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

/// How long an idle connection of a client is kept.
pub const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Open connections of clients per worker: beyond it, new ones wait in the accept queue.
pub const CONNECTIONS_PER_WORKER_MAX: usize = 10_000;

/// On SIGTERM: what is in flight is answered for this long, the most that
/// `server.answer_within_ms` can be.
pub const DRAIN_WITHIN: Duration = Duration::from_secs(13);

/// How long the reply to a webhook is kept for its repeats. Carriers repeat within seconds; a
/// captured request that is replayed later than this finds its step token gone.
pub const CLAIM_KEPT: Duration = Duration::from_secs(600);

/// Memory for the replies that are kept for repeats: at 600 bytes a reply, the last five thousand
/// webhooks. Under more load than eight a second, that is less than [`CLAIM_KEPT`].
pub const CLAIMS_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Steps of one execution (Studio: 81000).
pub const STEPS_MAX: u32 = 1_000;

/// One flow file. Real exports of a dozen widgets have under 20 kB; Studio is said to take 1 MB.
pub const FLOW_BYTES_MAX: usize = 1024 * 1024;

/// Lists and tables within each other in a flow file, as the parser recurses. Real exports nest
/// eight deep.
pub const FLOW_NESTING_MAX: usize = 64;

/// One widget entered this often in a row ends the execution (Studio: 81001).
pub const SAME_WIDGET_MAX: u32 = 10;

/// Log text that waits for a slow reader of our output; beyond it, lines are dropped and counted.
pub const LOG_BYTES_MAX: usize = 1024 * 1024;

/// One template file. A document may have 64 kB; a template that makes it has less.
pub const TEMPLATE_BYTES_MAX: u64 = 256 * 1024;

/// Files in the templates folder, so that a wrong folder does not fill the memory.
pub const TEMPLATES_MAX: usize = 10_000;

/// Redirects that one call of a function follows. Browsers take 20; a function needs one or two.
pub const FUNCTION_REDIRECTS_MAX: usize = 5;

/// How long an idle connection to a function is kept: less than the 5 s after which Node closes it,
/// so that we never write into a connection that is just being closed.
pub const FUNCTION_IDLE_MAX: Duration = Duration::from_secs(4);

/// A used connection to a function ended as we wrote: how long the reset is waited for that proves
/// that our request was not read. A round trip, and some.
pub const FUNCTION_RESET_WITHIN: Duration = Duration::from_millis(250);

/// Addresses of one name that are tried. A name with 500 records must not eat the deadline.
pub const FUNCTION_ADDRESSES_MAX: usize = 8;

/// With several addresses: how long one may take to connect before the next one is tried.
pub const FUNCTION_NEXT_ADDRESS_AFTER: Duration = Duration::from_secs(1);

/// How long a name's last good addresses stand in for a name server that fails.
pub const LAST_GOOD_ADDRESS_FOR: Duration = Duration::from_secs(60);

/// With a last good answer at hand: how long the name server may take before that is used.
pub const RESOLVE_WITHIN: Duration = Duration::from_secs(1);

/// Interim answers (1xx) of one call, all together. A 103 with its links stays under 4 kB.
pub const FUNCTION_INTERIM_BYTES_MAX: usize = 16 * 1024;

/// Failures without a success between them that open a function's breaker …
pub const BREAKER_FAILURES: usize = 5;

/// … when they come within this time.
pub const BREAKER_WINDOW: Duration = Duration::from_secs(10);

/// While the breaker is open, one call in this time goes through to see whether it helps.
pub const BREAKER_PROBE_EVERY: Duration = Duration::from_secs(5);

/// A timeout counts against the function only if it had at least this long (or its whole own
/// timeout): what an earlier step of the flow used up is not its fault.
pub const BREAKER_TIMEOUT_MIN: Duration = Duration::from_secs(1);
