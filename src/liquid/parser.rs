//! The parser: a source becomes a tree, and every mistake on the way is kept.

mod blocks;
mod expressions;
mod loops;
mod partials;

use std::sync::Arc;

use super::error::Error;
use super::error::{ErrorKind, Fault, Mistake, Origin, Span};
use super::limits::Limits;
use super::tokens::{Tag, Token, Tokens, is_space};
use super::tree::{Assign, Body, Capture, Count, Node, Tree};
use crate::diagnostics::suggest::did_you_mean;

/// After so many mistakes the rest of a source is not read: nobody mends more at once.
const MISTAKES_MAX: usize = 50;

/// Every tag that may begin something, for "did you mean".
const TAGS: [&str; 20] = [
    "assign",
    "break",
    "capture",
    "case",
    "comment",
    "continue",
    "cycle",
    "decrement",
    "doc",
    "echo",
    "for",
    "if",
    "ifchanged",
    "include",
    "increment",
    "liquid",
    "raw",
    "render",
    "tablerow",
    "unless",
];

/// Parses a source, or tells all that is wrong with it.
pub(super) fn parse(name: &str, source: &str, limits: &Limits) -> Result<Tree, Vec<Error>> {
    let origin = Arc::new(Origin { name: name.into(), source: source.into() });
    if source.len() > limits.source_bytes.min(u32::MAX as usize) {
        let detail = format!("the source is longer than {} bytes", limits.source_bytes);
        let fault = Fault::new(ErrorKind::Limit, detail);
        return Err(vec![Error::new(fault, origin, Span::default())]);
    }
    let mut parser = Parser { source: &origin.source, limits, mistakes: Vec::new(), depth: 0 };
    let body = parser.template();
    let mut mistakes = parser.mistakes;
    if mistakes.is_empty() {
        return Ok(Tree { origin, body });
    }
    mistakes.sort_by_key(|mistake| mistake.span.start);
    let located = |mistake: Mistake| Error::new(mistake.fault, Arc::clone(&origin), mistake.span);
    Err(mistakes.into_iter().map(located).collect())
}

/// The state of parsing one source.
struct Parser<'s> {
    source: &'s str,
    limits: &'s Limits,
    mistakes: Vec<Mistake>,
    /// Blocks open here.
    depth: u32,
}

/// A block that is open: what its tags are called, and where it began.
#[derive(Clone, Copy)]
struct Block<'s> {
    name: &'s str,
    /// Tags that begin the next part of the block, such as `else`.
    parts: &'static [&'static str],
    opened: Span,
}

/// What a tag adds to the body around it.
enum Parsed {
    Node(Node, bool),
    /// Nothing, as a comment does.
    Nothing,
}

// === impl Parser ===

impl<'s> Parser<'s> {
    fn template(&mut self) -> Body {
        let mut tokens = Tokens::template(self.source);
        let mut body = Body { nodes: Vec::new(), blank: true };
        self.fill(&mut body, &mut tokens, None);
        body
    }

    /// Reads nodes into `body` up to the tag that ends `block` or begins its next part, which is
    /// the answer; `None` at the end of the tokens.
    fn fill(
        &mut self,
        body: &mut Body,
        tokens: &mut Tokens<'s>,
        block: Option<Block<'s>>,
    ) -> Option<Tag> {
        while let Some(token) = tokens.next() {
            if self.mistakes.len() >= MISTAKES_MAX {
                tokens.finish();
                break;
            }
            match token {
                Ok(Token::Text(span)) => {
                    body.blank &= self.text(span).bytes().all(is_space);
                    body.nodes.push(Node::Text(span));
                }
                Ok(Token::Output(markup, span)) => self.output(body, markup, span),
                Ok(Token::Tag(tag)) => {
                    if block.is_some_and(|block| block.is_ended_by(self.text(tag.name))) {
                        return Some(tag);
                    }
                    self.tag(body, tokens, tag, block);
                }
                Err(mistake) => self.mistakes.push(mistake),
            }
        }
        if let Some(block) = block {
            self.never_closed(block);
        }
        None
    }

    fn output(&mut self, body: &mut Body, markup: Span, span: Span) {
        body.blank = false;
        let parsed = self.print(markup, span);
        if let Some(Some(print)) = self.keep(parsed) {
            body.nodes.push(Node::Print(print));
        }
    }

    /// Reads the tag, and the block that it begins, into `body`.
    fn tag(
        &mut self,
        body: &mut Body,
        tokens: &mut Tokens<'s>,
        tag: Tag,
        block: Option<Block<'s>>,
    ) {
        if self.text(tag.name) == "liquid" {
            return self.liquid(body, tag);
        }
        let parsed = self.any_tag(tokens, tag, block);
        match self.keep(parsed) {
            Some(Parsed::Node(node, blank)) => {
                body.blank &= blank;
                body.nodes.push(node);
            }
            Some(Parsed::Nothing) | None => {}
        }
    }

    fn any_tag(
        &mut self,
        tokens: &mut Tokens<'s>,
        tag: Tag,
        block: Option<Block<'s>>,
    ) -> Result<Parsed, Mistake> {
        match self.text(tag.name) {
            "assign" => self.assign(tag),
            "break" => Ok(Parsed::Node(Node::Break(tag.span), false)),
            "capture" => self.capture(tokens, tag),
            "case" => Ok(self.case(tokens, tag)),
            "comment" => self.comment(tokens, tag),
            "continue" => Ok(Parsed::Node(Node::Continue(tag.span), false)),
            "cycle" => self.cycle(tag),
            "decrement" => self.count(tag, true),
            "doc" => self.doc(tokens, tag),
            "echo" => self.echo(tag),
            "for" => Ok(self.for_loop(tokens, tag, false)),
            "if" => Ok(self.conditional(tokens, tag, false)),
            "ifchanged" => Ok(self.if_changed(tokens, tag)),
            "include" => self.include(tag, false),
            "increment" => self.count(tag, false),
            "raw" => self.raw(tokens, tag),
            "render" => self.include(tag, true),
            "tablerow" => Ok(self.for_loop(tokens, tag, true)),
            "unless" => Ok(self.conditional(tokens, tag, true)),
            "#" => self.inline_comment(tag),
            name => {
                Err(misplaced(name, block).at(if name.is_empty() { tag.span } else { tag.name }))
            }
        }
    }

    fn liquid(&mut self, body: &mut Body, tag: Tag) {
        if self.depth >= self.limits.nesting {
            self.mistakes.push(self.too_deep(tag.span));
            return;
        }
        self.depth += 1;
        let mut lines = Tokens::lines(self.source, tag.markup);
        self.fill(body, &mut lines, None);
        self.depth -= 1;
    }

    fn assign(&mut self, tag: Tag) -> Result<Parsed, Mistake> {
        let mut cursor = self.cursor(tag.markup);
        let name = cursor.wide_name().ok_or_else(|| cursor.unexpected("the name of a variable"))?;
        if !cursor.eat("=") {
            return Err(cursor.unexpected("`=`"));
        }
        if cursor.is_at_end() {
            return Err(cursor.unexpected("a value"));
        }
        let value = self.filtered(&mut cursor, tag.span)?;
        Ok(Parsed::Node(Node::Assign(Assign { name, value }), true))
    }

    fn capture(&mut self, tokens: &mut Tokens<'s>, tag: Tag) -> Result<Parsed, Mistake> {
        let mut cursor = self.cursor(tag.markup);
        let quoted = matches!(cursor.peek(), Some(b'"' | b'\''));
        let name = if quoted { Some(cursor.string()?) } else { cursor.wide_name() };
        let name = name.ok_or_else(|| cursor.unexpected("the name of a variable"));
        let name = self.keep(name).unwrap_or_default();
        let block = Block { name: "capture", parts: &[], opened: tag.span };
        let (body, _) = self.block(tokens, block);
        Ok(Parsed::Node(Node::Capture(Box::new(Capture { name, body })), true))
    }

    fn count(&mut self, tag: Tag, down: bool) -> Result<Parsed, Mistake> {
        let mut cursor = self.cursor(tag.markup);
        let name = cursor.wide_name().ok_or_else(|| cursor.unexpected("the name of a counter"))?;
        if !cursor.is_at_end() {
            return Err(cursor.unexpected("the end of the tag"));
        }
        Ok(Parsed::Node(Node::Count(Count { name, down }), false))
    }

    fn echo(&mut self, tag: Tag) -> Result<Parsed, Mistake> {
        let print = self.print(tag.markup, tag.span)?;
        Ok(print.map_or(Parsed::Nothing, |print| Parsed::Node(Node::Print(print), false)))
    }

    fn comment(&mut self, tokens: &mut Tokens<'s>, tag: Tag) -> Result<Parsed, Mistake> {
        if tokens.skip_comment() { Ok(Parsed::Nothing) } else { Err(unclosed("comment", tag.span)) }
    }

    fn inline_comment(&self, tag: Tag) -> Result<Parsed, Mistake> {
        let mut lines = self.text(tag.markup).split('\n').skip(1);
        if lines.all(|line| {
            let line = line.trim();
            line.is_empty() || line.starts_with('#')
        }) {
            return Ok(Parsed::Nothing);
        }
        let fault = Fault::syntax("every line of a comment in one tag must begin with `#`");
        Err(fault.at(tag.span))
    }

    fn raw(&mut self, tokens: &mut Tokens<'s>, tag: Tag) -> Result<Parsed, Mistake> {
        let text = self.verbatim(tokens, tag, "raw")?;
        if text.start == text.end {
            return Ok(Parsed::Nothing);
        }
        Ok(Parsed::Node(Node::Text(text), false))
    }

    fn doc(&mut self, tokens: &mut Tokens<'s>, tag: Tag) -> Result<Parsed, Mistake> {
        let text = self.verbatim(tokens, tag, "doc")?;
        let mut inside = Tokens::template(self.text(text));
        if inside.skip_verbatim("doc").is_some() {
            return Err(Fault::syntax("a `doc` stands inside of a `doc`").at(tag.span));
        }
        Ok(Parsed::Nothing)
    }

    /// The text of a block that is not read.
    fn verbatim(&mut self, tokens: &mut Tokens<'s>, tag: Tag, name: &str) -> Result<Span, Mistake> {
        let mut cursor = self.cursor(tag.markup);
        if !cursor.is_at_end() {
            let mistake = cursor.unexpected("the end of the tag");
            self.mistakes.push(mistake);
        }
        if tokens.are_lines() {
            let detail = format!("`{name}` cannot stand in a `liquid` tag");
            return Err(Fault::syntax(detail).at(tag.span));
        }
        match tokens.skip_verbatim(&format!("end{name}")) {
            Some(text) => Ok(text),
            None => {
                tokens.finish();
                Err(unclosed(name, tag.span))
            }
        }
    }

    /// Reads the body of one part of a block, and answers the tag behind it, which is the end of
    /// the block or the beginning of its next part.
    fn block(&mut self, tokens: &mut Tokens<'s>, block: Block<'s>) -> (Body, Option<Tag>) {
        let mut body = Body { nodes: Vec::new(), blank: true };
        if self.depth >= self.limits.nesting {
            self.mistakes.push(self.too_deep(block.opened));
            tokens.finish();
            return (body, None);
        }
        self.depth += 1;
        let end = self.fill(&mut body, tokens, Some(block));
        self.depth -= 1;
        (body, end)
    }

    /// Keeps the mistake, if it is one, so that parsing goes on.
    fn keep<T>(&mut self, parsed: Result<T, Mistake>) -> Option<T> {
        parsed.map_err(|mistake| self.mistakes.push(mistake)).ok()
    }

    fn never_closed(&mut self, block: Block<'s>) {
        let already = |mistake: &Mistake| mistake.fault.kind == ErrorKind::Limit;
        if !self.mistakes.iter().any(already) && self.mistakes.len() < MISTAKES_MAX {
            self.mistakes.push(unclosed(block.name, block.opened));
        }
    }

    fn too_deep(&self, span: Span) -> Mistake {
        let detail = format!("more than {} blocks inside one another", self.limits.nesting);
        Fault::new(ErrorKind::Limit, detail).at(span)
    }

    fn text(&self, span: Span) -> &'s str {
        span.of(self.source)
    }
}

// === impl Block ===

impl Block<'_> {
    fn is_ended_by(&self, tag: &str) -> bool {
        tag.strip_prefix("end") == Some(self.name) || self.parts.contains(&tag)
    }
}

fn unclosed(name: &str, opened: Span) -> Mistake {
    Fault::syntax(format!("`{name}` is never closed"))
        .with_help(Some(format!("expected `end{name}` behind it")))
        .at(opened)
}

/// What is wrong with a tag that is none, or that does not belong where it stands.
fn misplaced(name: &str, block: Option<Block<'_>>) -> Fault {
    if name.is_empty() {
        return Fault::syntax("a tag without a name");
    }
    let part = matches!(name, "else" | "elsif" | "when");
    let ends = name.strip_prefix("end").is_some_and(|block| TAGS.contains(&block));
    if !part && !ends {
        let names = TAGS.into_iter().chain(["else", "elsif", "when", "endif", "endfor", "endcase"]);
        return Fault::new(ErrorKind::UnknownTag, format!("there is no tag `{name}`"))
            .with_help(did_you_mean(name, names));
    }
    match block {
        Some(block) => {
            Fault::syntax(format!("`{name}` does not belong to the open `{}`", block.name))
                .with_help(Some(format!("expected `end{}` first", block.name)))
        }
        None => Fault::syntax(format!("`{name}` belongs to no open block")),
    }
}

/// Whether a body and its siblings are blank, after their text was dropped if they are.
fn settle_blank<'b>(bodies: impl Iterator<Item = &'b mut Body>) -> bool {
    let mut bodies: Vec<&mut Body> = bodies.collect();
    let blank = bodies.iter().all(|body| body.blank);
    if blank {
        bodies.iter_mut().for_each(|body| body.drop_text());
    }
    blank
}
