//! Parsing of `include` and `render`.

use super::super::cursor::Cursor;
use super::super::error::{Fault, Mistake};
use super::super::tokens::Tag;
use super::super::tree::{Bound, Expression, Include, Node};
use super::expressions::expression;
use super::{Parsed, Parser};

impl Parser<'_> {
    /// `include 'name' with value as alias, key: value` and `render` alike. `render` is isolated:
    /// it sees nothing but what it is given, and so its name must be a literal.
    pub(super) fn include(&mut self, tag: Tag, isolated: bool) -> Result<Parsed, Mistake> {
        let mut cursor = self.cursor(tag.markup);
        let start = cursor.here();
        let name = expression(&mut cursor)?;
        if isolated && !matches!(name, Expression::Text(_)) {
            let fault = Fault::syntax("`render` takes the name of its partial in quotes");
            return Err(fault.at(cursor.since(start)));
        }
        let bound = bound(&mut cursor)?;
        let alias = if cursor.eat_word("as") {
            Some(cursor.name().ok_or_else(|| cursor.unexpected("a name behind `as`"))?)
        } else {
            None
        };
        let mut arguments = Vec::new();
        loop {
            cursor.eat(",");
            if cursor.is_at_end() {
                break;
            }
            let Some(key) = cursor.keyword() else {
                return Err(cursor.unexpected("`name: value` or the end of the tag"));
            };
            arguments.push((key, expression(&mut cursor)?));
        }
        let span = tag.span;
        let include = Include { isolated, name, bound, alias, arguments, span };
        Ok(Parsed::Node(Node::Include(Box::new(include)), false))
    }
}

fn bound(cursor: &mut Cursor<'_>) -> Result<Option<Bound>, Mistake> {
    let each = if cursor.eat_word("for") {
        true
    } else if cursor.eat_word("with") {
        false
    } else {
        return Ok(None);
    };
    Ok(Some(Bound { each, value: expression(cursor)? }))
}
