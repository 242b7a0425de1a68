//! Parsing of values, paths, filters and conditions.

use super::super::cursor::{Cursor, Number};
use super::super::error::{ErrorKind, Fault, Mistake, Span};
use super::super::filters::{self, Filter};
use super::super::tree::{
    Comparison, Condition, Expression, FilterCall, Junction, Operator, Path, Print, Root, Segment,
};
use super::super::value::Command;
use super::Parser;
use crate::diagnostics::suggest::did_you_mean;

impl<'s> Parser<'s> {
    pub(super) fn cursor(&self, markup: Span) -> Cursor<'s> {
        Cursor::new(self.source, markup, self.limits.nesting)
    }

    /// What an output or `echo` prints; `None` where it is empty.
    pub(super) fn print(&self, markup: Span, span: Span) -> Result<Option<Print>, Mistake> {
        let mut cursor = self.cursor(markup);
        if cursor.is_at_end() {
            return Ok(None);
        }
        self.filtered(&mut cursor, span).map(Some)
    }

    /// A value and its filters up to the end of the tag.
    pub(super) fn filtered(&self, cursor: &mut Cursor<'s>, span: Span) -> Result<Print, Mistake> {
        let value = expression(cursor)?;
        let mut filters = Vec::new();
        while cursor.eat("|") {
            filters.push(filter_call(cursor)?);
        }
        if !cursor.is_at_end() {
            return Err(cursor.unexpected("`|` and a filter, or the end of the tag"));
        }
        Ok(Print { value, filters, span })
    }

    /// The condition of `if`, `unless` and `elsif`.
    pub(super) fn condition(&self, markup: Span) -> Result<Condition, Mistake> {
        let mut cursor = self.cursor(markup);
        let first = comparison(&mut cursor)?;
        let mut rest = Vec::new();
        loop {
            let junction = if cursor.eat_word("and") {
                Junction::And
            } else if cursor.eat_word("or") {
                Junction::Or
            } else {
                break;
            };
            rest.push((junction, comparison(&mut cursor)?));
        }
        if !cursor.is_at_end() {
            return Err(cursor.unexpected("an operator, `and`, `or`, or the end of the tag"));
        }
        Ok(Condition { first, rest })
    }
}

/// One value: a literal, a range or a path.
pub(super) fn expression(cursor: &mut Cursor<'_>) -> Result<Expression, Mistake> {
    match cursor.peek() {
        Some(b'"' | b'\'') => cursor.string().map(Expression::Text),
        Some(b'(') => nested(cursor, range),
        Some(b'[') => path(cursor),
        Some(b'0'..=b'9') => number(cursor),
        Some(b'-') if cursor.byte(1).is_some_and(|byte| byte.is_ascii_digit()) => number(cursor),
        Some(b'a'..=b'z' | b'A'..=b'Z' | b'_') => path(cursor),
        _ => Err(cursor.unexpected("a value")),
    }
}

fn number(cursor: &mut Cursor<'_>) -> Result<Expression, Mistake> {
    Ok(match cursor.number()? {
        Number::Int(number) => Expression::Int(number),
        Number::Float(number) => Expression::Float(number),
    })
}

/// Runs `parse` with one bracket more open.
fn nested<'s>(
    cursor: &mut Cursor<'s>,
    parse: fn(&mut Cursor<'s>) -> Result<Expression, Mistake>,
) -> Result<Expression, Mistake> {
    let start = cursor.here();
    if cursor.depth_left == 0 {
        let fault = Fault::new(ErrorKind::Limit, "too many brackets inside one another");
        return Err(fault.at(Span::new(start, start + 1)));
    }
    cursor.depth_left -= 1;
    let parsed = parse(cursor);
    cursor.depth_left += 1;
    parsed
}

fn range(cursor: &mut Cursor<'_>) -> Result<Expression, Mistake> {
    let start = cursor.here();
    cursor.eat("(");
    let first = expression(cursor)?;
    if !cursor.eat("..") {
        return Err(cursor.unexpected("`..` between the ends of a range"));
    }
    let last = expression(cursor)?;
    if !cursor.eat(")") {
        return Err(cursor.unexpected("`)` behind a range"));
    }
    Ok(Expression::Range(Box::new((first, last)), cursor.since(start)))
}

fn path(cursor: &mut Cursor<'_>) -> Result<Expression, Mistake> {
    let start = cursor.here();
    let root = match cursor.name() {
        Some(name) => Root::Name(name),
        None => Root::Computed(Box::new(bracketed(cursor)?)),
    };
    let mut segments = Vec::new();
    loop {
        match cursor.peek() {
            Some(b'.') if cursor.byte(1) != Some(b'.') => {
                cursor.eat(".");
                let key = cursor.name().ok_or_else(|| cursor.unexpected("a name behind `.`"))?;
                segments.push(Segment::Key(key, command(cursor.text(key))));
            }
            Some(b'[') => segments.push(Segment::Index(bracketed(cursor)?)),
            _ => break,
        }
    }
    let span = cursor.since(start);
    if let (Root::Name(name), true) = (&root, segments.is_empty())
        && let Some(literal) = literal(cursor.text(*name))
    {
        return Ok(literal);
    }
    Ok(Expression::Path(Path { root, segments, span }))
}

/// The value between `[` and `]`.
fn bracketed(cursor: &mut Cursor<'_>) -> Result<Expression, Mistake> {
    cursor.eat("[");
    let inside = nested(cursor, expression)?;
    if !cursor.eat("]") {
        return Err(cursor.unexpected("`]`"));
    }
    Ok(inside)
}

fn command(key: &str) -> Option<Command> {
    match key {
        "size" => Some(Command::Size),
        "first" => Some(Command::First),
        "last" => Some(Command::Last),
        _ => None,
    }
}

/// The words that are values and never variables.
fn literal(name: &str) -> Option<Expression> {
    match name {
        "nil" | "null" => Some(Expression::Nil),
        "true" => Some(Expression::Bool(true)),
        "false" => Some(Expression::Bool(false)),
        "blank" => Some(Expression::Blank),
        "empty" => Some(Expression::Empty),
        _ => None,
    }
}

fn filter_call(cursor: &mut Cursor<'_>) -> Result<FilterCall, Mistake> {
    let name = cursor.name().ok_or_else(|| cursor.unexpected("the name of a filter"))?;
    let Some(filter) = filters::find(cursor.text(name)) else {
        let text = cursor.text(name);
        let fault = Fault::new(ErrorKind::UnknownFilter, format!("there is no filter `{text}`"));
        return Err(fault.with_help(did_you_mean(text, filters::names())).at(name));
    };
    let mut call = FilterCall { filter, arguments: Vec::new(), keyword: None, span: name };
    if cursor.eat(":") {
        arguments(cursor, &mut call)?;
    }
    check_count(filter, call.arguments.len(), name)?;
    Ok(call)
}

fn arguments(cursor: &mut Cursor<'_>, call: &mut FilterCall) -> Result<(), Mistake> {
    loop {
        match cursor.keyword() {
            Some(keyword) if call.filter.keyword == Some(cursor.text(keyword)) => {
                call.keyword = Some(expression(cursor)?);
            }
            Some(keyword) => return Err(no_keyword(call.filter, cursor.text(keyword), keyword)),
            None => call.arguments.push(expression(cursor)?),
        }
        if !cursor.eat(",") || cursor.is_at_end() || cursor.peek() == Some(b'|') {
            return Ok(());
        }
    }
}

fn no_keyword(filter: &Filter, keyword: &str, span: Span) -> Mistake {
    let detail = format!("`{}` takes no `{keyword}:`", filter.name);
    Fault::arguments(detail)
        .with_help(filter.keyword.map(|known| format!("did you mean `{known}:`?")))
        .at(span)
}

fn check_count(filter: &Filter, count: usize, span: Span) -> Result<(), Mistake> {
    let (least, most) = filter.arguments;
    if (least..=most).contains(&count) {
        return Ok(());
    }
    let takes = match (least, most) {
        (0, 0) => "no argument".to_owned(),
        (1, 1) => "1 argument".to_owned(),
        (least, most) if least == most => format!("{most} arguments"),
        (0, 1) => "at most 1 argument".to_owned(),
        (0, most) => format!("at most {most} arguments"),
        (least, most) => format!("{least} or {most} arguments"),
    };
    Err(Fault::arguments(format!("`{}` takes {takes}, got {count}", filter.name)).at(span))
}

fn comparison(cursor: &mut Cursor<'_>) -> Result<Comparison, Mistake> {
    let start = cursor.here();
    let left = expression(cursor)?;
    let right = match operator(cursor) {
        Some(operator) => Some((operator, expression(cursor)?)),
        None => None,
    };
    Ok(Comparison { left, right, span: cursor.since(start) })
}

fn operator(cursor: &mut Cursor<'_>) -> Option<Operator> {
    const SIGNS: [(&str, Operator); 7] = [
        ("==", Operator::Equal),
        ("!=", Operator::NotEqual),
        ("<>", Operator::NotEqual),
        ("<=", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("<", Operator::Less),
        (">", Operator::Greater),
    ];
    let sign = SIGNS.into_iter().find(|(sign, _)| cursor.eat(sign)).map(|(_, operator)| operator);
    sign.or_else(|| cursor.eat_word("contains").then_some(Operator::Contains))
}
