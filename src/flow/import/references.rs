//! The check of what a flow refers to outside of itself: URLs in documents, sids and names of the
//! carrier. An export often has placeholders there, which a person must replace.

use super::url::{callable_host, quoted_prefix};
use super::{FlowImporter, WidgetNode};
use crate::config::quote_text;
use crate::flow::file::FlowNode;
use crate::flow::properties::{Property, PropertyKind};

impl FlowImporter<'_> {
    /// The replacement of a URL, a sid or a name by `[[rewrite]]`.
    pub(super) fn rewrite(&self, reference: &str) -> Option<String> {
        self.context.rewrites.iter().find_map(|rewrite| rewrite.apply(reference))
    }

    /// The same for a text before Liquid is rendered: a rule whose `from` has Liquid itself, as the
    /// placeholder `{{DOMAIN}}`. Other rules apply to the rendered text.
    pub(super) fn rewrite_liquid(&self, text: &str) -> Option<String> {
        let mut rules = self.context.rewrites.iter();
        rules.find_map(|rule| rule.apply(text).filter(|_| has_liquid(&rule.from)))
    }

    /// Warns of a reference without Liquid that can lead nowhere, after `[[rewrite]]`.
    pub(super) fn check_reference(
        &mut self,
        state: &WidgetNode<'_>,
        property: &Property,
        node: &FlowNode,
        found: &str,
    ) {
        let text = self.rewrite(found);
        let text = text.as_deref().unwrap_or(found);
        let (wanted, from) = match property.kind {
            PropertyKind::Url if !is_usable_url(text) => ("a URL".to_owned(), quoted_prefix(found)),
            PropertyKind::Sid(prefix) if !is_sid(text, prefix) => {
                (format!("`{prefix}` and 32 hexadecimal digits"), quote_text(found))
            }
            PropertyKind::Name if has_placeholder(text) => ("a name".to_owned(), quote_text(found)),
            _ => return,
        };
        let message = format!("`{}` of widget `{}` is `{found}`", property.name, state.name);
        let help = if text == found {
            format!(
                "it looks like a placeholder: add a `[[rewrite]]` with `from = {from}` and `to`"
            )
        } else {
            "the `to` of its `[[rewrite]]` is not that either".to_owned()
        };
        self.warn(node, message, &wanted, &help);
    }
}

/// Whether a document can have a URL: an absolute one, also of a WebSocket, or a reference relative
/// to the gateway's own.
fn is_usable_url(url: &str) -> bool {
    let absolute = url.strip_prefix("ws").filter(|rest| rest.contains("://"));
    let absolute = absolute.map_or_else(|| url.to_owned(), |rest| format!("http{rest}"));
    match callable_host(&absolute) {
        // A host has no `_`, and placeholders often have.
        Some(host) => !host.contains('_'),
        None => url.starts_with(['/', '?', '.']) && !has_placeholder(url),
    }
}

/// Whether a text is a sid of the kind, or a word that the carrier knows in its place: `default`
/// for a service, `voice` for a task channel.
pub(super) fn is_sid(text: &str, prefix: &str) -> bool {
    let has_words = matches!(prefix, "IS" | "TC");
    let is_word = has_words && text.bytes().all(|letter| letter.is_ascii_lowercase());
    let digits = text.strip_prefix(prefix).unwrap_or_default();
    is_word || digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// Whether a text has Liquid in it.
fn has_liquid(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

/// Whether a text has a part that a person must replace, like `${QUEUE}` or `<queue>`.
pub(super) fn has_placeholder(text: &str) -> bool {
    text.contains("${") || text.contains('<')
}

/// The advice for a URL like `{{DOMAIN}}/path`, whose variable is a placeholder.
pub(super) fn advise_rewrite(text: &str) -> String {
    let end = text.find("}}").map_or(0, |at| at + 2);
    match text.split_at(end) {
        (from, rest) if from.starts_with("{{") && rest.starts_with('/') => {
            format!("; or add a `[[rewrite]]` with `from = {}` and `to`", quote_text(from))
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_not_references() {
        for url in ["https://a.example/b.mp3", "wss://a.example/s", "/hold.mp3", "?again=1", "../a"]
        {
            assert!(is_usable_url(url), "{url}");
        }
        for url in ["${A}/b", "https://${A}/b", "YOUR_URL", "a.mp3", "https://YOUR_HOST/a", "/<a>"]
        {
            assert!(!is_usable_url(url), "{url}");
        }
        for (sid, prefix) in
            [("WWa6bb2ddc5362cef46351dcc9c31fb121", "WW"), ("default", "IS"), ("voice", "TC")]
        {
            assert!(is_sid(sid, prefix), "{sid}");
        }
        for (sid, prefix) in [
            ("WW", "WW"),
            ("WWxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "WW"),
            ("default", "WW"),
            ("${WORKFLOW_SID}", "WW"),
            ("TCa6bb2ddc5362cef46351dcc9c31fb121", "WW"),
            ("TCxx", "TC"),
        ] {
            assert!(!is_sid(sid, prefix), "{sid}");
        }
    }
}
