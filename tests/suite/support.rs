//! What the tests share.

pub(crate) mod hostile;
pub(crate) mod rig;
pub(crate) mod terminal;
