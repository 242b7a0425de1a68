//! Texts as `config.toml` has them, for advice that can be copied into the file.

/// A text in quotes. A `${` in it is written as `$${`, so that it is not a reference to the
/// environment.
pub(crate) fn quote_text(text: &str) -> String {
    quote(&text.replace("${", "$${"))
}

/// A name of a section or key: in quotes only where TOML needs them.
pub(crate) fn quote_name(name: &str) -> String {
    let is_bare = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
    let is_plain = !name.is_empty() && name.chars().all(is_bare);
    // References are replaced in values alone.
    if is_plain { name.to_owned() } else { quote(name) }
}

/// A basic string of TOML.
fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            _ if letter.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(letter))),
            _ => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::environment::expand_references;

    #[test]
    fn what_is_quoted_is_read_as_it_was() {
        for text in
            ["${DOMAIN}", "https://${A}/${B}", "a\"b\\c\n\u{7f}", "José", "$", "<<URL>>", ""]
        {
            let file = format!("{} = {}", quote_name(text), quote_text(text));
            let file: toml::Table = file.parse().unwrap();
            let (name, value) = file.iter().next().unwrap();
            assert_eq!(name, text);
            let read = expand_references(value.as_str().unwrap(), &|_| None).unwrap();
            assert_eq!(read, text, "{value}");
        }
        assert_eq!(quote_name("http_1"), "http_1");
        assert_eq!(quote_text("${DOMAIN}"), "\"$${DOMAIN}\"");
    }
}
