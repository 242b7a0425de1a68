//! The language as its users see it, against the public interface only: golden-liquid, cases as
//! files, hostile templates, and the Liquid of real Studio flows.

mod cases;
mod flows;
mod golden;
mod hostile;
mod interface;
