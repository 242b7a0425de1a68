//! `.env` files, as the npm package `dotenv` (version 16) reads them.

/// The variables of a `.env` file, in its order. Of a name that comes twice the last one counts.
/// Lines that are not assignments are skipped.
pub(super) fn parse_dotenv(text: &str) -> Vec<(String, String)> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text).replace("\r\n", "\n");
    let mut variables: Vec<(String, String)> = Vec::new();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (variable, behind) = parse_line(rest);
        rest = behind;
        let Some((name, value)) = variable else { continue };
        match variables.iter_mut().find(|(other, _)| *other == name) {
            Some((_, old)) => *old = value,
            None => variables.push((name, value)),
        }
    }
    variables
}

/// The assignment at the beginning of a text, and the text behind its line.
fn parse_line(text: &str) -> (Option<(String, String)>, &str) {
    let (line, behind) = text.split_once('\n').unwrap_or((text, ""));
    let trimmed = line.trim_start();
    let assignment = trimmed.strip_prefix("export ").unwrap_or(trimmed);
    // `NAME=value`, and `NAME: value` as in YAML.
    let Some(at) = assignment.find(['=', ':']) else { return (None, behind) };
    let name = assignment[..at].trim();
    let is_letter = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if name.is_empty() || !name.chars().all(is_letter) {
        return (None, behind);
    }
    // From here to the end of the text: a quoted value may have line breaks.
    let from = line.len() - assignment.len() + at + 1;
    let value = text[from..].trim_start_matches([' ', '\t']);
    let quote = value.chars().next().filter(|c| "\"'`".contains(*c));
    if let Some(quote) = quote
        && let Some(end) = value[1..].find(quote)
    {
        let (inside, after) = (&value[1..=end], &value[end + 2..]);
        let unescaped = match quote {
            '"' => inside.replace("\\n", "\n").replace("\\r", "\r"),
            _ => inside.to_owned(),
        };
        let behind = after.split_once('\n').map_or("", |(_, behind)| behind);
        return (Some((name.to_owned(), unescaped)), behind);
    }
    let unquoted = line[from..].split('#').next().unwrap_or_default().trim();
    (Some((name.to_owned(), unquoted.to_owned())), behind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_dotenv_reads() {
        let text = "\u{FEFF}# a comment\nA=1\r\n export B = two words # and why\nC=\"x # y\\nz\"\n\
                    D='it\\n'\nE=`a \"b\"`\nF=\nG=\"first\nsecond\" # end\n\nnot one\nH: yaml\n\
                    I=a=b\nJ=\"open\nA=2\nK-L.M=1\n9 9=1";
        let expected = [
            ("A", "2"),
            ("B", "two words"),
            ("C", "x # y\nz"),
            ("D", "it\\n"),
            ("E", "a \"b\""),
            ("F", ""),
            ("G", "first\nsecond"),
            ("H", "yaml"),
            ("I", "a=b"),
            ("J", "\"open"),
            ("K-L.M", "1"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(parse_dotenv(text), expected);
        assert!(parse_dotenv("").is_empty());
    }
}
