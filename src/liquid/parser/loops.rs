//! Parsing of `for`, `tablerow` and `cycle`.

use super::super::cursor::Cursor;
use super::super::error::Mistake;
use super::super::tokens::{Tag, Tokens, is_space};
use super::super::tree::{Body, Cycle, For, Node, Offset};
use super::expressions::expression;
use super::{Block, Parsed, Parser, settle_blank};

impl<'s> Parser<'s> {
    /// `for` or `tablerow`, with its body.
    pub(super) fn for_loop(&mut self, tokens: &mut Tokens<'s>, tag: Tag, table: bool) -> Parsed {
        let header = self.for_header(tag, table);
        let header = self.keep(header);
        let (name, parts): (_, &[&str]) =
            if table { ("tablerow", &[]) } else { ("for", &["else"]) };
        let block = Block { name, parts, opened: tag.span };
        let (body, mut end) = self.block(tokens, block);
        let mut otherwise = None;
        while end.is_some_and(|tag| self.text(tag.name) == "else") {
            let (body, next) = self.block(tokens, block);
            otherwise.get_or_insert(body);
            end = next;
        }
        let Some(mut node) = header else { return Parsed::Nothing };
        node.body = body;
        node.otherwise = otherwise;
        let blank = if table {
            node.body.blank
        } else {
            settle_blank([&mut node.body].into_iter().chain(node.otherwise.as_mut()))
        };
        Parsed::Node(Node::For(Box::new(node)), blank)
    }

    fn for_header(&self, tag: Tag, table: bool) -> Result<For, Mistake> {
        let mut cursor = self.cursor(tag.markup);
        let variable = cursor.wide_name().filter(|name| !cursor.text(*name).starts_with('-'));
        let variable = variable.ok_or_else(|| cursor.unexpected("the name of a variable"))?;
        if !cursor.eat_word("in") {
            return Err(cursor.unexpected("`in`"));
        }
        let start = cursor.here();
        let collection = expression(&mut cursor)?;
        let text = without_spaces(cursor.text(cursor.since(start)));
        let name = format!("{}-{text}", cursor.text(variable)).into_boxed_str();
        let mut node = For {
            variable,
            name,
            collection,
            limit: None,
            offset: Offset::Start,
            reversed: false,
            table: table.then_some(None),
            body: Body::default(),
            otherwise: None,
            span: tag.span,
        };
        loop_options(&mut cursor, &mut node)?;
        Ok(node)
    }

    pub(super) fn cycle(&mut self, tag: Tag) -> Result<Parsed, Mistake> {
        let mut cursor = self.cursor(tag.markup);
        let mut start = cursor.here();
        let mut values = vec![expression(&mut cursor)?];
        let mut group = None;
        if cursor.eat(":") {
            group = values.pop();
            start = cursor.here();
            values.push(expression(&mut cursor)?);
        }
        while cursor.eat(",") && !cursor.is_at_end() {
            values.push(expression(&mut cursor)?);
        }
        if !cursor.is_at_end() {
            return Err(cursor.unexpected("a comma or the end of the tag"));
        }
        let text = without_spaces(cursor.text(cursor.since(start))).into_boxed_str();
        Ok(Parsed::Node(
            Node::Cycle(Box::new(Cycle { group, text, values, span: tag.span })),
            false,
        ))
    }
}

/// `reversed`, `limit: …`, `offset: …` and for a table `cols: …`, with commas or without.
fn loop_options(cursor: &mut Cursor<'_>, node: &mut For) -> Result<(), Mistake> {
    loop {
        cursor.eat(",");
        if cursor.is_at_end() {
            return Ok(());
        }
        if node.table.is_none() && cursor.eat_word("reversed") {
            node.reversed = true;
            continue;
        }
        let Some(option) = cursor.keyword() else { return Err(unknown_option(cursor, node)) };
        match cursor.text(option) {
            "limit" => node.limit = Some(expression(cursor)?),
            "offset" if cursor.eat_word("continue") => node.offset = Offset::Continue,
            "offset" => node.offset = Offset::At(expression(cursor)?),
            "cols" if node.table.is_some() => node.table = Some(Some(expression(cursor)?)),
            _ => {
                cursor.back_to(option);
                return Err(unknown_option(cursor, node));
            }
        }
    }
}

fn unknown_option(cursor: &mut Cursor<'_>, node: &For) -> Mistake {
    cursor.unexpected(match node.table {
        Some(_) => "`cols:`, `limit:`, `offset:` or the end of the tag",
        None => "`reversed`, `limit:`, `offset:` or the end of the tag",
    })
}

/// The text of an expression as its loop is known by, however it was spaced.
fn without_spaces(text: &str) -> String {
    text.chars().filter(|letter| !u8::try_from(*letter).is_ok_and(is_space)).collect()
}
