//! Parsing of `if`, `unless`, `case`, `ifchanged` and their parts.

use super::super::error::{ParseError, Span};
use super::super::tokens::{TagToken, Tokenizer};
use super::super::tree::{
    BlockBody, CaseTag, Expression, IfBranch, IfChangedTag, IfTag, TemplateNode, WhenBranch,
};
use super::expressions::parse_expression;
use super::open_block::OpenBlock;
use super::{ParsedTag, TemplateParser, drop_blank_text};

impl<'s> TemplateParser<'s> {
    /// Parses `if` and `unless`. Parts behind an `else` are parsed but never rendered, as in Ruby.
    pub(super) fn parse_conditional(
        &mut self,
        tokens: &mut Tokenizer<'s>,
        tag: TagToken,
        negated: bool,
    ) -> ParsedTag {
        let name = if negated { "unless" } else { "if" };
        let block = OpenBlock { name, parts: &["elsif", "else"], opened: tag.span };
        let mut branches: Vec<IfBranch> = Vec::new();
        let mut part = Some(tag);
        while let Some(tag) = part.take() {
            let condition = match self.text(tag.name) {
                "else" => None,
                "endif" | "endunless" => break,
                _ => {
                    let condition = self.parse_condition(tag.markup);
                    self.record_error(condition)
                }
            };
            // `unless` negates its own condition, not that of an `elsif`.
            let negated = negated && branches.is_empty();
            let (body, end) = self.parse_block(tokens, block);
            branches.push(IfBranch { condition, negated, body });
            part = end;
        }
        let blank = drop_blank_text(branches.iter_mut().map(|branch| &mut branch.body));
        ParsedTag::node(TemplateNode::If(Box::new(IfTag { branches, span: tag.span })), blank)
    }

    pub(super) fn parse_case(&mut self, tokens: &mut Tokenizer<'s>, tag: TagToken) -> ParsedTag {
        let value = self.parse_case_value(tag);
        let value = self.record_error(value).unwrap_or(Expression::Nil);
        let block = OpenBlock { name: "case", parts: &["when", "else"], opened: tag.span };
        // The text before the first `when` is parsed for its errors, and never rendered.
        let (_, mut part) = self.parse_block(tokens, block);
        let mut whens: Vec<WhenBranch> = Vec::new();
        while let Some(tag) = part.take() {
            let is_else = self.text(tag.name) == "else";
            if !is_else && self.text(tag.name) != "when" {
                break;
            }
            let values = if is_else { Ok(Vec::new()) } else { self.parse_when_values(tag) };
            let values = self.record_error(values).unwrap_or_default();
            let (body, end) = self.parse_block(tokens, block);
            whens.push(WhenBranch { values, is_else, body });
            part = end;
        }
        let blank = drop_blank_text(whens.iter_mut().map(|when| &mut when.body));
        ParsedTag::node(
            TemplateNode::Case(Box::new(CaseTag { value, whens, span: tag.span })),
            blank,
        )
    }

    pub(super) fn parse_if_changed(
        &mut self,
        tokens: &mut Tokenizer<'s>,
        tag: TagToken,
    ) -> ParsedTag {
        let body = self.parse_single_block(tokens, "ifchanged", tag.span);
        let blank = body.blank;
        ParsedTag::node(
            TemplateNode::IfChanged(Box::new(IfChangedTag { body, span: tag.span })),
            blank,
        )
    }

    /// The body of a block that has one part only.
    fn parse_single_block(
        &mut self,
        tokens: &mut Tokenizer<'s>,
        name: &'static str,
        opened: Span,
    ) -> BlockBody {
        self.parse_block(tokens, OpenBlock { name, parts: &[], opened }).0
    }

    fn parse_case_value(&self, tag: TagToken) -> Result<Expression, ParseError> {
        let mut cursor = self.cursor(tag.markup);
        let value = parse_expression(&mut cursor)?;
        if !cursor.is_at_end() {
            return Err(cursor.unexpected_error("the end of the tag"));
        }
        Ok(value)
    }

    /// The values of a `when`, joined by `or` or commas.
    fn parse_when_values(&self, tag: TagToken) -> Result<Vec<Expression>, ParseError> {
        let mut cursor = self.cursor(tag.markup);
        let mut values = vec![parse_expression(&mut cursor)?];
        while cursor.eat(",") || cursor.eat_word("or") {
            // A separator at the end is accepted.
            if cursor.is_at_end() {
                break;
            }
            values.push(parse_expression(&mut cursor)?);
        }
        if !cursor.is_at_end() {
            return Err(cursor.unexpected_error("`or`, a comma, or the end of the tag"));
        }
        Ok(values)
    }
}
