//! What the programs of the comparison share: the webhook, the loop that sends it, the answers.

pub mod arguments;
pub mod documents;
pub mod message;
pub mod webhook;
pub mod process;
pub mod connection;
pub mod load;
pub mod check;
pub mod forward;
