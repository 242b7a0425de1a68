//! The parser: a source becomes a tree, or all its errors.
//!
//! The parser recovers at the end of each tag, so that one run reports every error; a tree is only
//! returned where there is none. Blocks nest by recursion, which `RenderLimits::nesting` bounds.
//! The files of the folder add methods to one parser: `blocks`, `loops` and `partials` for tags,
//! `sections` for outputs and the sections of Mustache, `expressions` for the markup inside of
//! them. None of them knows the data or renders anything.

mod blocks;
mod expressions;
mod loops;
mod open_block;
mod partials;
mod sections;

use std::sync::Arc;

use super::error::{ErrorCause, LiquidError, LiquidErrorKind, ParseError, Span, TemplateSource};
use super::limits::RenderLimits;
use super::tokens::{TagToken, Token, Tokenizer, is_space};
use super::tree::{AssignTag, BlockBody, CaptureTag, CounterTag, SyntaxTree, TemplateNode};
use open_block::{OpenBlock, misplaced_tag_error, unclosed_error};
use sections::OutputMarkup;

/// After this many errors the rest of a source is not parsed: further ones mostly follow from them.
const ERRORS_MAX: usize = 50;

/// Parses a source.
///
/// # Errors
/// All errors of the source, in its order.
pub(super) fn parse(
    name: &str,
    text: &str,
    limits: &RenderLimits,
) -> Result<SyntaxTree, Vec<LiquidError>> {
    let source = Arc::new(TemplateSource { name: name.into(), text: text.into() });
    if text.len() > limits.source_bytes.min(u32::MAX as usize) {
        let detail = format!("the source is longer than {} bytes", limits.source_bytes);
        let cause = ErrorCause::new(LiquidErrorKind::Limit, detail);
        return Err(vec![LiquidError::new(cause, source, Span::default())]);
    }
    // From here on spans fit into 32 bits.
    let mut parser = TemplateParser { source: &source.text, limits, errors: Vec::new(), depth: 0 };
    let body = parser.parse_template();
    let mut errors = parser.errors;
    if errors.is_empty() {
        return Ok(SyntaxTree { source, body });
    }
    // A block is only known to be unclosed after the errors inside of it.
    errors.sort_by_key(|error| error.span.start);
    let located =
        |error: ParseError| LiquidError::new(error.cause, Arc::clone(&source), error.span);
    Err(errors.into_iter().map(located).collect())
}

/// The state of parsing one source.
struct TemplateParser<'s> {
    source: &'s str,
    limits: &'s RenderLimits,
    errors: Vec<ParseError>,
    /// The number of open blocks.
    depth: u32,
}

/// The part of the tree that a tag becomes.
enum ParsedTag {
    /// A node, and whether it can only render white space.
    Node { node: TemplateNode, blank: bool },
    /// Nothing, as a comment.
    Nothing,
}

// === impl ParsedTag ===

impl ParsedTag {
    fn node(node: TemplateNode, blank: bool) -> ParsedTag {
        ParsedTag::Node { node, blank }
    }
}

// === impl TemplateParser ===

impl<'s> TemplateParser<'s> {
    fn parse_template(&mut self) -> BlockBody {
        let mut tokens = Tokenizer::for_template(self.source);
        let mut body = BlockBody { nodes: Vec::new(), blank: true };
        self.parse_nodes(&mut body, &mut tokens, None);
        body
    }

    /// Parses nodes into `body` up to the tag that ends `block` or begins its next part, which is
    /// returned; `None` at the end of the tokens.
    fn parse_nodes(
        &mut self,
        body: &mut BlockBody,
        tokens: &mut Tokenizer<'s>,
        block: Option<OpenBlock<'s>>,
    ) -> Option<TagToken> {
        while let Some(token) = tokens.next() {
            if self.errors.len() >= ERRORS_MAX {
                tokens.skip_rest();
                break;
            }
            match token {
                Ok(Token::Text(span)) => {
                    body.blank &= self.text(span).bytes().all(is_space);
                    body.nodes.push(TemplateNode::Text(span));
                }
                Ok(Token::Output(markup, span)) => {
                    let output = OutputMarkup { markup, span };
                    if let Some(end) = self.section_end(&output, block) {
                        return Some(end);
                    }
                    self.parse_output(body, tokens, &output, block);
                }
                Ok(Token::Tag(tag)) => {
                    // Only the innermost block: an end of an outer one is an error inside of it.
                    if block.is_some_and(|block| block.is_ended_by(self.text(tag.name))) {
                        return Some(tag);
                    }
                    self.parse_tag(body, tokens, tag, block);
                }
                Err(error) => self.errors.push(error),
            }
        }
        if let Some(block) = block {
            self.report_unclosed(block);
        }
        None
    }

    /// Parses the tag, and the block that it begins, into `body`.
    fn parse_tag(
        &mut self,
        body: &mut BlockBody,
        tokens: &mut Tokenizer<'s>,
        tag: TagToken,
        block: Option<OpenBlock<'s>>,
    ) {
        if self.text(tag.name) == "liquid" {
            return self.parse_liquid(body, tag);
        }
        // `liquid` was handled above because its nodes belong to the body around it.
        let parsed = self.parse_tag_node(tokens, tag, block);
        match self.record_error(parsed) {
            Some(ParsedTag::Node { node, blank }) => {
                body.blank &= blank;
                body.nodes.push(node);
            }
            Some(ParsedTag::Nothing) | None => {}
        }
    }

    fn parse_tag_node(
        &mut self,
        tokens: &mut Tokenizer<'s>,
        tag: TagToken,
        block: Option<OpenBlock<'s>>,
    ) -> Result<ParsedTag, ParseError> {
        match self.text(tag.name) {
            "assign" => self.parse_assign(tag),
            "break" => Ok(ParsedTag::node(TemplateNode::Break(tag.span), false)),
            "capture" => self.parse_capture(tokens, tag),
            "case" => Ok(self.parse_case(tokens, tag)),
            "comment" => self.skip_comment(tokens, tag),
            "continue" => Ok(ParsedTag::node(TemplateNode::Continue(tag.span), false)),
            "cycle" => self.parse_cycle(tag),
            "decrement" => self.parse_counter(tag, true),
            "doc" => self.skip_doc(tokens, tag),
            "echo" => self.parse_echo(tag),
            "for" => Ok(self.parse_for(tokens, tag, false)),
            "if" => Ok(self.parse_conditional(tokens, tag, false)),
            "ifchanged" => Ok(self.parse_if_changed(tokens, tag)),
            "include" => self.parse_include(tag, false),
            "increment" => self.parse_counter(tag, false),
            "raw" => self.parse_raw(tokens, tag),
            "render" => self.parse_include(tag, true),
            "tablerow" => Ok(self.parse_for(tokens, tag, true)),
            "unless" => Ok(self.parse_conditional(tokens, tag, true)),
            "#" => self.check_inline_comment(tag),
            name => Err(misplaced_tag_error(name, block).at_span(if name.is_empty() {
                tag.span
            } else {
                tag.name
            })),
        }
    }

    fn parse_liquid(&mut self, body: &mut BlockBody, tag: TagToken) {
        if self.depth >= self.limits.nesting {
            self.errors.push(self.too_deep_error(tag.span));
            return;
        }
        self.depth += 1;
        let mut lines = Tokenizer::for_lines(self.source, tag.markup);
        self.parse_nodes(body, &mut lines, None);
        self.depth -= 1;
    }

    fn parse_assign(&mut self, tag: TagToken) -> Result<ParsedTag, ParseError> {
        let mut cursor = self.cursor(tag.markup);
        let name = cursor
            .read_target_name()
            .ok_or_else(|| cursor.unexpected_error("the name of a variable"))?;
        if !cursor.eat("=") {
            return Err(cursor.unexpected_error("`=`"));
        }
        if cursor.is_at_end() {
            return Err(cursor.unexpected_error("a value"));
        }
        let value = self.parse_filtered(&mut cursor, tag.span)?;
        Ok(ParsedTag::node(TemplateNode::Assign(AssignTag { name, value }), true))
    }

    fn parse_capture(
        &mut self,
        tokens: &mut Tokenizer<'s>,
        tag: TagToken,
    ) -> Result<ParsedTag, ParseError> {
        let mut cursor = self.cursor(tag.markup);
        // Shopify allows `capture "name"`.
        let quoted = matches!(cursor.peek(), Some(b'"' | b'\''));
        let name = if quoted { Some(cursor.read_string()?) } else { cursor.read_target_name() };
        let name = name.ok_or_else(|| cursor.unexpected_error("the name of a variable"));
        let name = self.record_error(name).unwrap_or_default();
        let block = OpenBlock { name: "capture", parts: &[], opened: tag.span };
        let (body, _) = self.parse_block(tokens, block);
        Ok(ParsedTag::node(TemplateNode::Capture(Box::new(CaptureTag { name, body })), true))
    }

    fn parse_counter(&mut self, tag: TagToken, down: bool) -> Result<ParsedTag, ParseError> {
        let mut cursor = self.cursor(tag.markup);
        let name = cursor
            .read_target_name()
            .ok_or_else(|| cursor.unexpected_error("the name of a counter"))?;
        if !cursor.is_at_end() {
            return Err(cursor.unexpected_error("the end of the tag"));
        }
        Ok(ParsedTag::node(TemplateNode::Counter(CounterTag { name, down }), false))
    }

    fn parse_echo(&mut self, tag: TagToken) -> Result<ParsedTag, ParseError> {
        let output = self.parse_output_markup(tag.markup, tag.span)?;
        Ok(output.map_or(ParsedTag::Nothing, |output| {
            ParsedTag::node(TemplateNode::Output(output), false)
        }))
    }

    fn skip_comment(
        &mut self,
        tokens: &mut Tokenizer<'s>,
        tag: TagToken,
    ) -> Result<ParsedTag, ParseError> {
        if tokens.skip_comment() {
            Ok(ParsedTag::Nothing)
        } else {
            Err(unclosed_error("comment", tag.span))
        }
    }

    fn check_inline_comment(&self, tag: TagToken) -> Result<ParsedTag, ParseError> {
        let mut lines = self.text(tag.markup).split('\n').skip(1);
        if lines.all(|line| {
            let line = line.trim();
            line.is_empty() || line.starts_with('#')
        }) {
            return Ok(ParsedTag::Nothing);
        }
        let cause = ErrorCause::syntax("every line of a comment in one tag must begin with `#`");
        Err(cause.at_span(tag.span))
    }

    fn parse_raw(
        &mut self,
        tokens: &mut Tokenizer<'s>,
        tag: TagToken,
    ) -> Result<ParsedTag, ParseError> {
        let text = self.read_verbatim(tokens, tag, "raw")?;
        if text.start == text.end {
            return Ok(ParsedTag::Nothing);
        }
        Ok(ParsedTag::node(TemplateNode::Text(text), false))
    }

    fn skip_doc(
        &mut self,
        tokens: &mut Tokenizer<'s>,
        tag: TagToken,
    ) -> Result<ParsedTag, ParseError> {
        let text = self.read_verbatim(tokens, tag, "doc")?;
        // Ruby refuses it, since the first `enddoc` would end both.
        let mut inside = Tokenizer::for_template(self.text(text));
        if inside.skip_verbatim("doc").is_some() {
            return Err(ErrorCause::syntax("a `doc` inside of a `doc`").at_span(tag.span));
        }
        Ok(ParsedTag::Nothing)
    }

    /// The text of a block that is not parsed.
    fn read_verbatim(
        &mut self,
        tokens: &mut Tokenizer<'s>,
        tag: TagToken,
        name: &str,
    ) -> Result<Span, ParseError> {
        let mut cursor = self.cursor(tag.markup);
        if !cursor.is_at_end() {
            let error = cursor.unexpected_error("the end of the tag");
            self.errors.push(error);
        }
        if tokens.is_line_based() {
            let detail = format!("`{name}` is not allowed in a `liquid` tag");
            return Err(ErrorCause::syntax(detail).at_span(tag.span));
        }
        match tokens.skip_verbatim(&format!("end{name}")) {
            Some(text) => Ok(text),
            // Unclosed, so that all that follows is its text.
            None => {
                tokens.skip_rest();
                Err(unclosed_error(name, tag.span))
            }
        }
    }

    /// Parses the body of one part of a block; returns it with the tag behind it, which ends the
    /// block or begins its next part.
    fn parse_block(
        &mut self,
        tokens: &mut Tokenizer<'s>,
        block: OpenBlock<'s>,
    ) -> (BlockBody, Option<TagToken>) {
        let mut body = BlockBody { nodes: Vec::new(), blank: true };
        if self.depth >= self.limits.nesting {
            self.errors.push(self.too_deep_error(block.opened));
            tokens.skip_rest();
            return (body, None);
        }
        self.depth += 1;
        let end = self.parse_nodes(&mut body, tokens, Some(block));
        self.depth -= 1;
        (body, end)
    }

    /// Records an error, so that parsing continues behind it.
    fn record_error<T>(&mut self, parsed: Result<T, ParseError>) -> Option<T> {
        parsed.map_err(|error| self.errors.push(error)).ok()
    }

    fn report_unclosed(&mut self, block: OpenBlock<'s>) {
        // Where nesting is too deep the rest was skipped, so that nothing can be closed.
        let already = |error: &ParseError| error.cause.kind == LiquidErrorKind::Limit;
        if !self.errors.iter().any(already) && self.errors.len() < ERRORS_MAX {
            self.errors.push(unclosed_error(block.name, block.opened));
        }
    }

    fn too_deep_error(&self, span: Span) -> ParseError {
        let detail = format!("more than {} nested blocks", self.limits.nesting);
        ErrorCause::new(LiquidErrorKind::Limit, detail).at_span(span)
    }

    fn text(&self, span: Span) -> &'s str {
        span.slice(self.source)
    }
}

/// Drops the text of sibling bodies that can only render white space; returns whether they can. A
/// block prints nothing then, as in Ruby.
fn drop_blank_text<'b>(bodies: impl Iterator<Item = &'b mut BlockBody>) -> bool {
    let mut bodies: Vec<&mut BlockBody> = bodies.collect();
    let blank = bodies.iter().all(|body| body.blank);
    if blank {
        bodies.iter_mut().for_each(|body| body.drop_text());
    }
    blank
}
