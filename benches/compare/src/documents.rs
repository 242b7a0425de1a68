//! What the user's function answers. `benches/instructions/run` reads the same files.

/// TwiML of 257 bytes, as a menu returns it. On `/twiml`.
pub const TWIML: &str = include_str!("../documents/menu.xml");

/// A customer's record of about 700 bytes, as a lookup returns it. On `/json`.
pub const JSON: &str = include_str!("../documents/customer.json");

/// The content type of [`TWIML`].
pub const TWIML_TYPE: &str = "text/xml; charset=utf-8";

/// The content type of [`JSON`].
pub const JSON_TYPE: &str = "application/json; charset=utf-8";
