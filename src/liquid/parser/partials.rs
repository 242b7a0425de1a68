//! Parsing of `include` and `render`.

use super::super::cursor::MarkupCursor;
use super::super::error::{ErrorCause, ParseError};
use super::super::tokens::TagToken;
use super::super::tree::{Expression, IncludeBinding, IncludeTag, TemplateNode};
use super::expressions::parse_expression;
use super::{ParsedTag, TemplateParser};

impl TemplateParser<'_> {
    /// Parses `include 'name' with value as alias, key: value`, and `render` alike. `render` is
    /// isolated: its partial sees nothing but the arguments, and its name must be a literal.
    pub(super) fn parse_include(
        &mut self,
        tag: TagToken,
        isolated: bool,
    ) -> Result<ParsedTag, ParseError> {
        let mut cursor = self.cursor(tag.markup);
        let start = cursor.token_start();
        let name = parse_expression(&mut cursor)?;
        if isolated && !matches!(name, Expression::Text(_)) {
            let cause = ErrorCause::syntax("`render` takes the name of its partial in quotes");
            return Err(cause.at_span(cursor.span_from(start)));
        }
        let bound = parse_binding(&mut cursor)?;
        let alias = if cursor.eat_word("as") {
            Some(cursor.read_name().ok_or_else(|| cursor.unexpected_error("a name after `as`"))?)
        } else {
            None
        };
        let mut arguments = Vec::new();
        loop {
            cursor.eat(",");
            if cursor.is_at_end() {
                break;
            }
            let Some(key) = cursor.read_keyword() else {
                return Err(cursor.unexpected_error("`name: value` or the end of the tag"));
            };
            arguments.push((key, parse_expression(&mut cursor)?));
        }
        let span = tag.span;
        let include = IncludeTag { isolated, name, bound, alias, arguments, span };
        Ok(ParsedTag::node(TemplateNode::Include(Box::new(include)), false))
    }
}

fn parse_binding(cursor: &mut MarkupCursor<'_>) -> Result<Option<IncludeBinding>, ParseError> {
    let each = if cursor.eat_word("for") {
        true
    } else if cursor.eat_word("with") {
        false
    } else {
        return Ok(None);
    };
    Ok(Some(IncludeBinding { each, value: parse_expression(cursor)? }))
}
