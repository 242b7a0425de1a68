//! `[flow.NAME]` and `[[rewrite]]`: flows with a name, and replacements of URLs in them.

use std::collections::BTreeMap;

use toml::de::DeTable;

use super::{is_sid, named_tables, repeated_tables};
use crate::config::{FlowFile, PROJECT_SCHEME, UrlRewrite};
use crate::diagnostics::toml_reader::TomlReader;
use crate::uri::http_url;

pub(super) fn read_flows(
    reader: &mut TomlReader<'_>,
    file: &DeTable<'_>,
) -> BTreeMap<String, FlowFile> {
    let mut flows = BTreeMap::new();
    for (name, value) in named_tables(reader, file, "flow") {
        let title = format!("flow.{}", name.get_ref());
        let section = reader.section("flow.NAME", &title, Some(value));
        let sid = section.set_text(reader, "sid");
        if let Some(sid) = sid.as_ref().filter(|sid| !is_sid(&sid.value, "FW")) {
            let problem = section.wrong(&reader.source, "sid", sid);
            reader.report(problem.expected("FW and 32 hexadecimal digits"));
        }
        // A wrong sid is an error already, and the flow is read all the same: others refer to it.
        if let Some(file) = section.text(reader, "file") {
            let (file, sid) = (reader.config_text(file), sid.map(|sid| sid.value));
            flows.insert(name.get_ref().to_string(), FlowFile { file, sid });
        }
    }
    flows
}

/// Whether a text can be in the place of what `from` replaces. What is not a URL may be a
/// placeholder for anything, and the flow shows where it is.
fn fits_reference(from: &str, to: &str) -> bool {
    match to.split_once("://") {
        Some(("ws" | "wss", rest)) => http_url(&format!("http://{rest}")).is_some(),
        Some(_) => http_url(to).is_some(),
        None => !to.is_empty() && !from.contains("://"),
    }
}

pub(super) fn read_rewrites(reader: &mut TomlReader<'_>, file: &DeTable<'_>) -> Vec<UrlRewrite> {
    let mut rewrites = Vec::new();
    for table in repeated_tables(reader, file.get("rewrite"), "rewrite") {
        let section = reader.section("rewrite", "rewrite", Some(table));
        let (from, to) = (section.text(reader, "from"), section.text(reader, "to"));
        let (Some(from), Some(to)) = (from, to) else { continue };
        if from.value.is_empty() {
            let problem = section.wrong(&reader.source, "from", &from);
            let help = "a widget without a URL is covered by a `[function.WIDGET]` of its name";
            reader.report(problem.expected("the beginning of a URL").help(help));
        }
        let path = to.value.strip_prefix(PROJECT_SCHEME);
        if path.is_some_and(|path| path.is_empty() || path.starts_with('/')) {
            if file.get("functions").is_none() {
                let problem = section.wrong(&reader.source, "to", &to);
                let help = "add `[functions]` with the `folder` of the project";
                reader.report(problem.expected("a project for it").help(help));
            }
        } else if !fits_reference(&from.value, &to.value) {
            let problem = section.wrong(&reader.source, "to", &to);
            reader.report(problem.expected("a URL like `http://127.0.0.1:9000`, or `functions:`"));
        }
        rewrites.push(UrlRewrite { from: from.value, to: to.value });
    }
    // The longest beginning is the most specific one, and the first that fits is applied.
    rewrites.sort_by_key(|rewrite| std::cmp::Reverse(rewrite.from.len()));
    rewrites
}
