//! URLs as text: their parts, and references in a document, as seen from where it came from.

/// Scheme, authority and the rest (path, query, fragment) of a URL, as written. What has no `://`
/// has no scheme.
pub(crate) fn parts(url: &str) -> (&str, &str, &str) {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (authority, target) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    (scheme, authority, target)
}

/// The host of a URL, as written, without brackets.
pub(crate) fn host(url: &str) -> &str {
    let (_, authority, _) = parts(url);
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => place.split(':').next().unwrap_or_default(),
    }
}

/// A reference as seen from a base URL (RFC 3986, 5.2). `base` is `scheme://authority/path?query`.
pub(crate) fn resolve(base: &str, reference: &str) -> String {
    let scheme = reference.split_once(':').map_or("", |(scheme, _)| scheme);
    let named = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    if named {
        return reference.to_owned();
    }
    let (base_scheme, authority, path) = parts(base);
    let base_scheme = if base_scheme.is_empty() { "http" } else { base_scheme };
    if let Some(place) = reference.strip_prefix("//") {
        return format!("{base_scheme}://{place}");
    }
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
