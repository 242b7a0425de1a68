//! For `tests/differential/liquid/run`: one template and its data per line of JSON in, what it
//! comes to per line out, as `{"text": …}` or `{"error": …}`.

use std::io::{BufRead as _, BufWriter, Write as _};

use serde_json::{Value, json};
use twimlgate::liquid::{LiquidEngine, OutputFormat, RenderLimits};

/// 2023-11-14 22:13:20 UTC.
const NOW: i64 = 1_700_000_000;

fn main() -> std::io::Result<()> {
    let engine = LiquidEngine::new(RenderLimits::default());
    let mut out = BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let case: Value = serde_json::from_str(&line?)?;
        let source = case["template"].as_str().unwrap_or_default();
        let came = match engine.compile("case", source, OutputFormat::Plain) {
            Err(errors) => json!({ "error": errors[0].to_string() }),
            Ok(template) => match template.render(&case["data"], NOW) {
                Ok(text) => json!({ "text": text }),
                Err(error) => json!({ "error": error.to_string() }),
            },
        };
        writeln!(out, "{came}")?;
    }
    out.flush()
}
