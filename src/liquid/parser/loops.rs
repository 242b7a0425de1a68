//! Parsing of `for`, `tablerow` and `cycle`.

use super::super::cursor::MarkupCursor;
use super::super::error::ParseError;
use super::super::tokens::{TagToken, Tokenizer, is_space};
use super::super::tree::{BlockBody, CycleTag, ForTag, LoopOffset, TemplateNode};
use super::expressions::parse_expression;
use super::open_block::OpenBlock;
use super::{ParsedTag, TemplateParser, drop_blank_text};

impl<'s> TemplateParser<'s> {
    /// Parses `for` or `tablerow`, with its body.
    pub(super) fn parse_for(
        &mut self,
        tokens: &mut Tokenizer<'s>,
        tag: TagToken,
        is_table: bool,
    ) -> ParsedTag {
        let header = self.parse_for_header(tag, is_table);
        let header = self.record_error(header);
        let (name, parts): (_, &[&str]) =
            if is_table { ("tablerow", &[]) } else { ("for", &["else"]) };
        let block = OpenBlock { name, parts, opened: tag.span };
        let (body, mut end) = self.parse_block(tokens, block);
        let mut otherwise = None;
        while end.is_some_and(|tag| self.text(tag.name) == "else") {
            let (body, next) = self.parse_block(tokens, block);
            // Only the first `else` counts.
            otherwise.get_or_insert(body);
            end = next;
        }
        // The body was parsed even without a header, for its errors.
        let Some(mut node) = header else { return ParsedTag::Nothing };
        node.body = body;
        node.otherwise = otherwise;
        let blank = if is_table {
            node.body.blank
        } else {
            drop_blank_text([&mut node.body].into_iter().chain(node.otherwise.as_mut()))
        };
        ParsedTag::node(TemplateNode::For(Box::new(node)), blank)
    }

    fn parse_for_header(&self, tag: TagToken, is_table: bool) -> Result<ForTag, ParseError> {
        let mut cursor = self.cursor(tag.markup);
        let variable =
            cursor.read_target_name().filter(|name| !cursor.text(*name).starts_with('-'));
        let variable = variable.ok_or_else(|| cursor.unexpected_error("the name of a variable"))?;
        if !cursor.eat_word("in") {
            return Err(cursor.unexpected_error("`in`"));
        }
        let start = cursor.token_start();
        let collection = parse_expression(&mut cursor)?;
        let text = remove_spaces(cursor.text(cursor.span_from(start)));
        let name = format!("{}-{text}", cursor.text(variable)).into_boxed_str();
        let mut node = ForTag {
            variable,
            name,
            collection,
            limit: None,
            offset: LoopOffset::Start,
            reversed: false,
            columns: is_table.then_some(None),
            body: BlockBody::default(),
            otherwise: None,
            span: tag.span,
        };
        parse_loop_options(&mut cursor, &mut node)?;
        Ok(node)
    }

    pub(super) fn parse_cycle(&mut self, tag: TagToken) -> Result<ParsedTag, ParseError> {
        let mut cursor = self.cursor(tag.markup);
        let mut start = cursor.token_start();
        let mut values = vec![parse_expression(&mut cursor)?];
        let mut group = None;
        if cursor.eat(":") {
            group = values.pop();
            start = cursor.token_start();
            values.push(parse_expression(&mut cursor)?);
        }
        while cursor.eat(",") && !cursor.is_at_end() {
            values.push(parse_expression(&mut cursor)?);
        }
        if !cursor.is_at_end() {
            return Err(cursor.unexpected_error("a comma or the end of the tag"));
        }
        let text = remove_spaces(cursor.text(cursor.span_from(start))).into_boxed_str();
        Ok(ParsedTag::node(
            TemplateNode::Cycle(Box::new(CycleTag { group, text, values, span: tag.span })),
            false,
        ))
    }
}

/// `reversed`, `limit: …`, `offset: …` and for a table `cols: …`, with commas or without.
fn parse_loop_options(cursor: &mut MarkupCursor<'_>, node: &mut ForTag) -> Result<(), ParseError> {
    loop {
        // Commas between options are optional in Ruby.
        cursor.eat(",");
        if cursor.is_at_end() {
            return Ok(());
        }
        if node.columns.is_none() && cursor.eat_word("reversed") {
            node.reversed = true;
            continue;
        }
        let Some(option) = cursor.read_keyword() else {
            return Err(unknown_option_error(cursor, node));
        };
        match cursor.text(option) {
            "limit" => node.limit = Some(parse_expression(cursor)?),
            "offset" if cursor.eat_word("continue") => node.offset = LoopOffset::Continue,
            "offset" => node.offset = LoopOffset::At(parse_expression(cursor)?),
            "cols" if node.columns.is_some() => {
                node.columns = Some(Some(parse_expression(cursor)?))
            }
            _ => {
                // Back to the name of the option, so that the error shows it.
                cursor.rewind_to(option);
                return Err(unknown_option_error(cursor, node));
            }
        }
    }
}

fn unknown_option_error(cursor: &mut MarkupCursor<'_>, node: &ForTag) -> ParseError {
    cursor.unexpected_error(match node.columns {
        Some(_) => "`cols:`, `limit:`, `offset:` or the end of the tag",
        None => "`reversed`, `limit:`, `offset:` or the end of the tag",
    })
}

/// The text of an expression without its white space: loops and cycles are named by it.
fn remove_spaces(text: &str) -> String {
    text.chars().filter(|letter| !u8::try_from(*letter).is_ok_and(is_space)).collect()
}
