//! The limits of the Node processes that run the functions of a project.

use std::time::Duration;

/// One frame of the protocol: more than the 6 MB of a request at Twilio.
pub(crate) const NODE_FRAME_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Calls that wait for a process. At 1 ms a call and 8 processes they wait an eighth of a second.
pub(crate) const NODE_QUEUE_MAX: usize = 1_000;

/// Calls of one process before it is replaced, so that a leak in a function has an end.
pub(crate) const NODE_CALLS_MAX: u32 = 10_000;

/// The time after which a process that is not needed ends.
pub(crate) const NODE_IDLE_MAX: Duration = Duration::from_secs(60);

/// The interval in which the memory of a process that makes a call is read. A loop that fills
/// memory takes some hundred megabytes in this time.
pub(crate) const NODE_MEMORY_LOOK_EVERY: Duration = Duration::from_millis(50);

/// Lines of one second that a process writes past its console. More are read and dropped.
pub(crate) const NODE_OUTPUT_LINES_MAX: usize = 100;

/// The time in which the monitor of a process ends it, before the monitor is ended itself.
pub(crate) const NODE_ENDED_WITHIN: Duration = Duration::from_secs(1);

/// Functions that a new process loads before its first call.
pub(crate) const NODE_PRELOADED_MAX: usize = 32;

/// The time for a process to start and to load the `twilio` package: half a second on an idle
/// machine.
pub(crate) const NODE_READY_WITHIN: Duration = Duration::from_secs(10);

/// The time that a reload waits for the first new process, while the old ones serve.
pub(crate) const PROJECT_STARTED_WITHIN: Duration = Duration::from_secs(5);

/// The longest delay before the next start, after starts that failed.
pub(crate) const NODE_RESTART_DELAY_MAX: Duration = Duration::from_secs(5);

/// Processes that start at the same time: each takes a core for half a second.
pub(crate) const NODE_STARTS_AT_ONCE: usize = 2;

/// The body of a request for an open function, and of its response (Twilio: 6 MB).
pub(crate) const PROJECT_BODY_BYTES_MAX: usize = 6 * 1024 * 1024;

/// The interval in which a watched project is looked at. With the start of a process, an edit is
/// served within a second.
pub(crate) const WATCH_EVERY: Duration = Duration::from_millis(250);

/// The `.env` of a project.
pub(crate) const DOTENV_BYTES_MAX: u64 = 256 * 1024;

/// The file of a function, when a problem in it is shown.
pub(crate) const FUNCTION_FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// An asset (Twilio: 25 MB).
pub(crate) const ASSET_BYTES_MAX: u64 = 25 * 1024 * 1024;

/// Folders of a project below each other.
pub(crate) const PROJECT_DEPTH_MAX: usize = 16;

/// Files of a project, so that a wrong folder does not fill the memory. Twilio allows 1,000.
pub(crate) const PROJECT_FILES_MAX: usize = 5_000;
