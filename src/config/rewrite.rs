//! `[[rewrite]]`: where the URLs of flows from another place lead.

/// URLs that begin with `from` lead to `to` instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlRewrite {
    /// The beginning of a URL in the flow.
    pub from: String,
    /// Its replacement.
    pub to: String,
}

impl UrlRewrite {
    /// The URL that replaces `url`, if the beginning fits: up to the end of a host or of a part
    /// of the path, so that `https://a.example` is not the beginning of `https://a.example.org`.
    pub fn apply(&self, url: &str) -> Option<String> {
        let rest = url.strip_prefix(&self.from)?;
        let whole =
            rest.is_empty() || rest.starts_with(['/', '?', '#']) || self.from.ends_with('/');
        // One slash between the two parts, whichever of them has it.
        whole.then(|| match (self.to.ends_with('/'), rest.strip_prefix('/')) {
            (true, Some(rest)) => format!("{}{rest}", self.to),
            _ => format!("{}{rest}", self.to),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rewrites_whole_parts() {
        let rewrite =
            UrlRewrite { from: "https://x.twil.io".into(), to: "http://127.0.0.1:9".into() };
        let applied = |url| rewrite.apply(url);
        assert_eq!(applied("https://x.twil.io/a?b").as_deref(), Some("http://127.0.0.1:9/a?b"));
        assert_eq!(applied("https://x.twil.io").as_deref(), Some("http://127.0.0.1:9"));
        assert_eq!(applied("https://x.twil.io.evil.example/a"), None);
        let rewrite = UrlRewrite { from: "https://a/".into(), to: "http://b/".into() };
        assert_eq!(rewrite.apply("https://a/c").as_deref(), Some("http://b/c"));
    }
}
