//! References in a document, as seen from where the document came from.

/// A reference as seen from a base URL (RFC 3986, 5.2). `base` is `scheme://authority/path?query`.
pub(crate) fn resolve(base: &str, reference: &str) -> String {
    let scheme = reference.split_once(':').map_or("", |(scheme, _)| scheme);
    let named = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    if named {
        return reference.to_owned();
    }
    let (base_scheme, rest) = base.split_once("://").unwrap_or(("http", base));
    if let Some(place) = reference.strip_prefix("//") {
        return format!("{base_scheme}://{place}");
    }
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let path_only = path.split('?').next().unwrap_or_default();
    let (reference_path, query) = match reference.split_once('?') {
        Some((path, query)) => (path, format!("?{query}")),
        None => (reference, String::new()),
    };
    let joined = match reference_path {
        "" if query.is_empty() => return base.to_owned(),
        "" => path_only.to_owned(),
        absolute if absolute.starts_with('/') => without_dots(absolute),
        relative => {
            let folder = path_only.rfind('/').map_or("/", |end| &path_only[..=end]);
            without_dots(&format!("{folder}{relative}"))
        }
    };
    format!("{base_scheme}://{authority}{joined}{query}")
}

/// A path without its `.` and `..` segments (RFC 3986, 5.2.4).
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if last {
                    kept.push("");
                }
            }
            other => kept.push(other),
        }
    }
    format!("/{}", kept.join("/"))
}
