//! Parsing of `if`, `unless`, `case`, `ifchanged` and their parts.

use super::super::error::{Mistake, Span};
use super::super::tokens::{Tag, Tokens};
use super::super::tree::{Body, Branch, Case, Expression, If, IfChanged, Node, When};
use super::expressions::expression;
use super::{Block, Parsed, Parser, settle_blank};

impl<'s> Parser<'s> {
    /// `if` and `unless`. Parts behind an `else` are read but never taken, as in Ruby.
    pub(super) fn conditional(
        &mut self,
        tokens: &mut Tokens<'s>,
        tag: Tag,
        negated: bool,
    ) -> Parsed {
        let name = if negated { "unless" } else { "if" };
        let block = Block { name, parts: &["elsif", "else"], opened: tag.span };
        let mut branches: Vec<Branch> = Vec::new();
        let mut part = Some(tag);
        while let Some(tag) = part.take() {
            let condition = match self.text(tag.name) {
                "else" => None,
                "endif" | "endunless" => break,
                _ => {
                    let condition = self.condition(tag.markup);
                    self.keep(condition)
                }
            };
            let negated = negated && branches.is_empty();
            let (body, end) = self.block(tokens, block);
            branches.push(Branch { condition, negated, body });
            part = end;
        }
        let blank = settle_blank(branches.iter_mut().map(|branch| &mut branch.body));
        Parsed::Node(Node::If(Box::new(If { branches, span: tag.span })), blank)
    }

    pub(super) fn case(&mut self, tokens: &mut Tokens<'s>, tag: Tag) -> Parsed {
        let value = self.case_value(tag);
        let value = self.keep(value).unwrap_or(Expression::Nil);
        let block = Block { name: "case", parts: &["when", "else"], opened: tag.span };
        // What stands before the first `when` is never rendered.
        let (_, mut part) = self.block(tokens, block);
        let mut whens: Vec<When> = Vec::new();
        while let Some(tag) = part.take() {
            let is_else = self.text(tag.name) == "else";
            if !is_else && self.text(tag.name) != "when" {
                break;
            }
            let values = if is_else { Ok(Vec::new()) } else { self.when_values(tag) };
            let values = self.keep(values).unwrap_or_default();
            let (body, end) = self.block(tokens, block);
            whens.push(When { values, is_else, body });
            part = end;
        }
        let blank = settle_blank(whens.iter_mut().map(|when| &mut when.body));
        Parsed::Node(Node::Case(Box::new(Case { value, whens, span: tag.span })), blank)
    }

    pub(super) fn if_changed(&mut self, tokens: &mut Tokens<'s>, tag: Tag) -> Parsed {
        let body = self.whole_block(tokens, "ifchanged", tag.span);
        let blank = body.blank;
        Parsed::Node(Node::IfChanged(Box::new(IfChanged { body, span: tag.span })), blank)
    }

    /// The body of a block that has one part only.
    fn whole_block(&mut self, tokens: &mut Tokens<'s>, name: &'static str, opened: Span) -> Body {
        self.block(tokens, Block { name, parts: &[], opened }).0
    }

    fn case_value(&self, tag: Tag) -> Result<Expression, Mistake> {
        let mut cursor = self.cursor(tag.markup);
        let value = expression(&mut cursor)?;
        if !cursor.is_at_end() {
            return Err(cursor.unexpected("the end of the tag"));
        }
        Ok(value)
    }

    /// The values of a `when`, joined by `or` or commas.
    fn when_values(&self, tag: Tag) -> Result<Vec<Expression>, Mistake> {
        let mut cursor = self.cursor(tag.markup);
        let mut values = vec![expression(&mut cursor)?];
        while cursor.eat(",") || cursor.eat_word("or") {
            if cursor.is_at_end() {
                break;
            }
            values.push(expression(&mut cursor)?);
        }
        if !cursor.is_at_end() {
            return Err(cursor.unexpected("`or`, a comma, or the end of the tag"));
        }
        Ok(values)
    }
}
