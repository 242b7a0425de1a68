//! Stage 4: which execution a webhook belongs to, and who works on it, once only.
//!
//! Carriers retry and callers press twice. The first delivery of a webhook gets the claim; every
//! other one gets the bytes of the first one's reply, also when it comes while the first is still
//! being worked on.

mod key;
mod memory;

pub use key::Key;
pub use memory::{Memory, Ticket, Waiting};

use actix_web::web::Bytes;

use crate::webhook::{Channel, Webhook};

/// Where claims and executions are kept. One for all workers; a clone is the same store.
#[derive(Clone, Debug)]
pub enum Sessions {
    /// `memory:`: they end with the process.
    Memory(Memory),
}

/// What a delivery may do.
#[derive(Debug)]
pub enum Claim {
    /// It is the first: work, then hand in the reply.
    First(Ticket),
    /// It has been answered: these bytes, again.
    Answered(Bytes),
    /// Another delivery is being worked on: its reply comes here.
    Running(Waiting),
    /// Nothing tells this delivery from a new one, so it is taken for new.
    Unclaimed,
}

impl Sessions {
    /// Claims a webhook, once for all its deliveries.
    pub fn claim(&self, webhook: &Webhook, channel: Channel) -> Claim {
        match (self, Key::of(webhook, channel)) {
            (_, None) => Claim::Unclaimed,
            (Sessions::Memory(memory), Some(key)) => memory.claim(&key),
        }
    }
}
