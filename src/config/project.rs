//! `[functions]`, and where the code of a `[function.NAME]` is.

use std::fmt;
use std::time::Duration;

use actix_web::http::Uri;

use super::ConfigText;
use crate::secret::Secret;

/// Where the code of a function is.
#[derive(Clone)]
pub enum FunctionTarget {
    /// A server, at a URL with the scheme `http` or `https` and a host.
    Url(Uri),
    /// A file of the project that `[functions]` names, like `functions/lookup.js`.
    File(ConfigText),
    /// In the configuration: the body of `async (context, event) => …` in JavaScript.
    Code(ConfigText),
}

/// `[functions]`
#[derive(Clone, Debug)]
pub struct ProjectSection {
    /// The folder of the project; `None` without one.
    pub folder: Option<ConfigText>,
    /// The paths of functions that anybody may call, without a signature: `/token`, `/api/*`.
    pub open: Vec<ConfigText>,
    /// Variables of the functions beside those of `.env`, over which they win.
    pub env: Vec<(String, Secret)>,
    /// The Node program, a path or a name in `PATH`.
    pub node: ConfigText,
    /// Calls at a time, in a process each.
    pub processes: usize,
    /// The memory of one process.
    pub memory_mb: u64,
    /// The time of a call of a function by its own path.
    pub timeout: Duration,
    /// Whether processes run in a sandbox: they see the project and a temporary folder.
    pub sandbox: bool,
    /// Whether what functions write is logged.
    pub console: bool,
    /// Whether a changed file is taken over at once.
    pub watch: bool,
}

// === impl FunctionTarget ===

impl fmt::Display for FunctionTarget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FunctionTarget::Url(url) => url.fmt(formatter),
            FunctionTarget::File(file) => formatter.write_str(file.display_text()),
            FunctionTarget::Code(_) => formatter.write_str("code"),
        }
    }
}
