//! The carrier's side, simulated: whoever sits at a desk can call an application, write to it, and
//! hear what a caller would.
//!
//! ```text
//! person ──Act──> Call ──Request──> Line ──a signed webhook──> application
//!        <─Heard─ Chat <──Fetched──      <────────TwiML───────
//! ```
//!
//! [`Call`](call) and [`Chat`](chat) are pure: they know TwiML and what the carrier does with it,
//! and neither the network nor the clock. The line knows HTTP as the carrier speaks it.

mod act;
mod awaits;
mod fault;
mod heard;

pub use act::{ACTS, Act, ActError, escaped, pair, pairs, time, unescaped};
pub use awaits::Awaits;
pub use fault::Fault;
pub use heard::{Asked, Ended, Heard};
