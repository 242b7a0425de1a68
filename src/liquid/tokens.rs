//! The lexer of a template: a source cut into text, outputs and tags, with white space control.

use super::error::{ErrorCause, ParseError, Span};

/// The position in a source, and its form: a template, or the lines of a `liquid` tag.
pub(super) struct Tokenizer<'s> {
    source: &'s str,
    position: usize,
    end: usize,
    lines: bool,
    /// Whether the tag before ended in `-`, which trims the white space behind it.
    trim: bool,
}

#[derive(Debug)]
pub(super) enum Token {
    Text(Span),
    /// The markup between `{{` and `}}`, and the whole with them.
    Output(Span, Span),
    Tag(TagToken),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct TagToken {
    /// The name, `#` for a comment, empty where there is none.
    pub(super) name: Span,
    /// The markup behind the name.
    pub(super) markup: Span,
    /// The whole tag.
    pub(super) span: Span,
}

// === impl Tokenizer ===

impl<'s> Tokenizer<'s> {
    /// A whole template.
    pub(super) fn for_template(source: &'s str) -> Self {
        Tokenizer { source, position: 0, end: source.len(), lines: false, trim: false }
    }

    /// The lines of a `liquid` tag.
    pub(super) fn for_lines(source: &'s str, span: Span) -> Self {
        let (position, end) = (span.start as usize, span.end as usize);
        Tokenizer { source, position, end, lines: true, trim: false }
    }

    /// Whether these are the lines of a `liquid` tag.
    pub(super) fn is_line_based(&self) -> bool {
        self.lines
    }

    /// Skips the rest of the source.
    pub(super) fn skip_rest(&mut self) {
        self.position = self.end;
    }

    /// The next token; `None` at the end.
    pub(super) fn next(&mut self) -> Option<Result<Token, ParseError>> {
        if self.lines {
            return self.next_line().map(|tag| Ok(Token::Tag(tag)));
        }
        loop {
            if self.position >= self.end {
                return None;
            }
            if self.is_markup_at(self.position) {
                return Some(self.next_markup());
            }
            // `None`: trimmed to nothing, so that markup is next.
            if let Some(text) = self.next_text() {
                return Some(Ok(Token::Text(text)));
            }
        }
    }

    /// Skips the text up to `{% name %}` and that tag. Returns the text, `None` where there is no
    /// such tag.
    pub(super) fn skip_verbatim(&mut self, name: &str) -> Option<Span> {
        let start = self.position;
        let mut from = start;
        while let Some(found) = self.source[from..self.end].find("{%") {
            let open = from + found;
            from = open + 2;
            // Without this `break` a source of many `{%` would be scanned once for each.
            let Some(close) = self.source[from..self.end].find("%}") else { break };
            let tag = self.tag_token(open, from + close + 2);
            if tag.name.slice(self.source) == name {
                self.position = tag.span.end as usize;
                self.trim = self.source.as_bytes()[self.position - 3] == b'-';
                return Some(Span::new(start, open));
            }
        }
        None
    }

    /// Skips the body of a `comment`, in which only comments and `raw` blocks count. Returns
    /// whether it is closed.
    pub(super) fn skip_comment(&mut self) -> bool {
        let mut open = 1;
        while let Some(token) = self.next() {
            let Ok(Token::Tag(tag)) = token else { continue };
            match tag.name.slice(self.source) {
                // Comments nest.
                "comment" => open += 1,
                "endcomment" => open -= 1,
                // A `raw` block may hold `{% endcomment %}` as text.
                "raw" if !self.lines && self.skip_verbatim("endraw").is_none() => return false,
                _ => {}
            }
            if open == 0 {
                return true;
            }
        }
        false
    }

    fn is_markup_at(&self, position: usize) -> bool {
        matches!(self.source.as_bytes()[position..self.end], [b'{', b'{' | b'%', ..])
    }

    /// The text up to the next markup, without the white space that the tags beside it trim; `None`
    /// where nothing is left of it.
    fn next_text(&mut self) -> Option<Span> {
        let mut start = self.position;
        let mut stop = start;
        loop {
            match self.source[stop..self.end].find('{') {
                None => stop = self.end,
                // A single `{` is text.
                Some(found) if !self.is_markup_at(stop + found) => {
                    stop += found + 1;
                    continue;
                }
                Some(found) => stop += found,
            }
            break;
        }
        self.position = stop;
        let bytes = self.source.as_bytes();
        if self.trim {
            while start < stop && is_space(bytes[start]) {
                start += 1;
            }
        }
        self.trim = false;
        let mut end = stop;
        // The dash of the next tag trims in front of it.
        if stop + 2 < self.end && bytes[stop + 2] == b'-' {
            while start < end && is_space(bytes[end - 1]) {
                end -= 1;
            }
        }
        (start < end).then(|| Span::new(start, end))
    }

    /// The `{{ … }}` or `{% … %}` that begins here.
    fn next_markup(&mut self) -> Result<Token, ParseError> {
        let open = self.position;
        let is_tag = self.source.as_bytes()[open + 1] == b'%';
        let closed = if is_tag { self.find_tag_end(open) } else { self.find_output_end(open) };
        let close = match closed {
            Ok(close) => close,
            Err(resume) => {
                self.position = resume;
                self.trim = false;
                return Err(unclosed_error(open, is_tag));
            }
        };
        self.position = close;
        // The one dash of `{{-}}` trims on both sides.
        self.trim = close - open >= 5 && self.source.as_bytes()[close - 3] == b'-';
        if is_tag {
            return Ok(Token::Tag(self.tag_token(open, close)));
        }
        let (start, end) = self.trim_delimiters(open, close);
        Ok(Token::Output(Span::new(start, end), Span::new(open, close)))
    }

    /// The end of the tag that begins at `open`; as an error, the offset to resume at without one.
    fn find_tag_end(&self, open: usize) -> Result<usize, usize> {
        let close = self.source[open + 2..self.end].find("%}").ok_or(self.end)?;
        Ok(open + 2 + close + 2)
    }

    /// The end of the output that begins at `open`; as an error, the offset to resume at without
    /// one. An output that meets `{%` is unclosed, so that a forgotten `}}` is reported at its
    /// place.
    fn find_output_end(&self, open: usize) -> Result<usize, usize> {
        let bytes = &self.source.as_bytes()[..self.end];
        let mut at = open + 2;
        while at + 1 < self.end {
            match [bytes[at], bytes[at + 1]] {
                [b'}', b'}'] => return Ok(at + 2),
                [b'{', b'%'] => return Err(at),
                _ => at += 1,
            }
        }
        Err(self.end)
    }

    /// The inside of an output or tag, without the `-` of white space control.
    fn trim_delimiters(&self, open: usize, close: usize) -> (usize, usize) {
        let bytes = self.source.as_bytes();
        let (mut start, mut end) = (open + 2, close - 2);
        if start < end && bytes[start] == b'-' {
            start += 1;
        }
        if start < end && bytes[end - 1] == b'-' {
            end -= 1;
        }
        (start, end)
    }

    fn tag_token(&self, open: usize, close: usize) -> TagToken {
        let (start, end) = self.trim_delimiters(open, close);
        self.split_name(start, end, Span::new(open, close))
    }

    /// Splits the inside of a tag into its name and its markup.
    fn split_name(&self, start: usize, end: usize, span: Span) -> TagToken {
        let bytes = &self.source.as_bytes()[..end];
        let spaces = bytes[start..].iter().take_while(|byte| is_space(**byte)).count();
        let name = start + spaces;
        let length = match bytes.get(name) {
            // A comment in one tag, `{% # … %}`, needs no space behind its `#`.
            Some(b'#') => 1,
            _ => bytes[name..].iter().take_while(|byte| is_word(**byte)).count(),
        };
        TagToken {
            name: Span::new(name, name + length),
            markup: Span::new(name + length, end),
            span,
        }
    }

    /// The next line of a `liquid` tag that is not empty.
    fn next_line(&mut self) -> Option<TagToken> {
        while self.position < self.end {
            let start = self.position;
            let rest = &self.source[start..self.end];
            let stop = rest.find('\n').map_or(self.end, |found| start + found);
            // Past the line end; beyond the last line this is past the end.
            self.position = stop + 1;
            let line = &self.source[start..stop];
            let trimmed =
                line.trim_matches(|character: char| u8::try_from(character).is_ok_and(is_space));
            if !trimmed.is_empty() {
                let first = start + (trimmed.as_ptr() as usize - line.as_ptr() as usize);
                let last = first + trimmed.len();
                return Some(self.split_name(first, last, Span::new(first, last)));
            }
        }
        None
    }
}

fn unclosed_error(open: usize, is_tag: bool) -> ParseError {
    let (wrote, wants) = if is_tag { ("{%", "%}") } else { ("{{", "}}") };
    ErrorCause::syntax(format!("`{wrote}` is never closed"))
        .with_help(Some(format!("expected `{wants}` after it")))
        .at_span(Span::new(open, open + 2))
}

/// White space as Ruby's `strip` defines it.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0B | 0x0C | 0)
}

/// A letter, digit or underscore.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
