//! Liquid: a template language for text that owners write and foreign data fills.
//!
//! The language is Shopify's, with what Twilio Studio adds. The engine is strict when a template
//! is compiled (all errors are reported at once, each with its place) and lax when it is rendered
//! (a missing value prints as nothing), and limits everything that a template may cost.
//!
//! ```
//! use twimlgate::liquid::{LiquidEngine, OutputFormat, RenderLimits};
//!
//! let engine = LiquidEngine::new(RenderLimits::default());
//! let source = "<Say>Hello {{ caller.name | default: 'there' }}</Say>";
//! let template = engine.compile("hello.xml", source, OutputFormat::Xml)?;
//! let data = serde_json::json!({ "caller": { "name": "Ada & Bob" } });
//! assert_eq!(template.render(&data, 0).unwrap(), "<Say>Hello Ada &amp; Bob</Say>");
//! # Ok::<(), Vec<twimlgate::liquid::LiquidError>>(())
//! ```
//!
//! Why an engine of our own: the `liquid` crate panics on large integers, has no lax mode (an
//! unknown variable is an error, where Studio prints nothing), and cannot escape output for XML.
//! Its limits, places of errors and Ruby's arithmetic would have to be added as well.
//!
//! A source passes through `tokens` (text, outputs and tags), `parser` (with `cursor` for the
//! markup of a tag), `tree`, and `render` with its `filters`, which reads [`TemplateData`];
//! `outline` lists what a template can render, without data. The invariants: a tree holds spans of
//! its own source instead of text; every loop, copy and recursion of a render is charged to its
//! budget before it happens; a value is escaped once, when it is printed or when it becomes markup
//! ([`OutputFormat::Xml`]). The module knows nothing of telephony, flows or TwiML; it reads no
//! clock and no file, and does no I/O.

mod error;
mod limits;
mod data;
mod partials;
mod settings;
mod engine;
mod template;
mod tokens;
mod cursor;
mod parser;
mod tree;
mod render;
mod outline;
mod value;
mod print;
mod decimal;
mod number;
mod dates;
mod escape;
mod filters;
mod variables;

pub use data::{TemplateData, ValueRef};
pub use engine::LiquidEngine;
pub use error::{LiquidError, LiquidErrorKind};
pub use limits::RenderLimits;
pub(crate) use outline::{OutlineBranch, OutlineContent, OutlinePiece, TemplateOutline};
pub use settings::OutputFormat;
pub use template::Template;
pub use variables::{PathStep, VariableUse};
