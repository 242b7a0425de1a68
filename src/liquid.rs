//! Liquid: a template language for text that owners write and strangers' data fills.
//!
//! The language is Shopify's, with what Twilio Studio adds. The engine is strict when a template
//! is compiled (every mistake is told at once, with its place) and lax when it is rendered (what
//! is not there prints as nothing), and bounds everything that a template may cost.
//!
//! ```
//! use twimlgate::liquid::{Engine, Limits, Output};
//!
//! let engine = Engine::new(Limits::default());
//! let source = "<Say>Hello {{ caller.name | default: 'there' }}</Say>";
//! let template = engine.compile("hello.xml", source, Output::Xml)?;
//! let data = serde_json::json!({ "caller": { "name": "Ada & Bob" } });
//! assert_eq!(template.render(&data, 0).unwrap(), "<Say>Hello Ada &amp; Bob</Say>");
//! # Ok::<(), Vec<twimlgate::liquid::LiquidError>>(())
//! ```
//!
//! A source goes `tokens` (text and tags) → `parser`, with `cursor` inside of tags → `tree` →
//! `render`, which asks [`TemplateData`] for what the template names. The module knows nothing of
//! telephony, reads no clock and no file, and does no I/O.

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
mod value;
mod print;
mod number;
mod dates;
mod escape;
mod filters;
mod variables;

pub use data::{TemplateData, ValueRef};
pub use engine::LiquidEngine;
pub use error::{LiquidError, LiquidErrorKind};
pub use limits::RenderLimits;
pub use settings::OutputFormat;
pub use template::Template;
pub use variables::{PathStep, VariableUse};
