//! Panics, on whatever thread, and also where somebody catches them: each is a finding.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use crate::targets::{Judged, Target};

/// The first one since somebody looked.
static FIRST: Mutex<Option<String>> = Mutex::new(None);

/// Notes panics instead of printing them.
pub(crate) fn listen() {
    std::panic::set_hook(Box::new(|panic| {
        let mut first = FIRST.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(|| panic.to_string().replace('\n', " "));
    }));
}

/// Judges an input; a panic is a finding like any other.
pub(crate) fn judge(target: &Target, input: &[u8]) -> Judged {
    let judged = catch_unwind(AssertUnwindSafe(|| (target.judge)(input)));
    match FIRST.lock().unwrap_or_else(PoisonError::into_inner).take() {
        Some(panic) => Err(format!("panic: {panic}")),
        None => judged.unwrap_or_else(|_| Err("panic: nobody knows where".to_owned())),
    }
}
