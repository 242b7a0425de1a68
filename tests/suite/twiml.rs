//! TwiML: cases as files, expat as the judge of what is well-formed, and hostile text.

mod cases;
mod expat;
mod grammar;
mod hostile;
mod random;
