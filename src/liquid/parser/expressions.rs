//! Parsing of values, paths, filters and conditions.

use super::super::cursor::{MarkupCursor, NumberLiteral};
use super::super::error::{ErrorCause, LiquidErrorKind, ParseError, Span};
use super::super::filters::{self, Filter};
use super::super::tree::{
    BooleanOperator, Comparison, ComparisonOperator, Expression, FilterCall, FilteredExpression,
    PathRoot, PathSegment, TagCondition, VariablePath,
};
use super::super::value::CommandMethod;
use super::TemplateParser;
use crate::diagnostics::suggest::did_you_mean;

impl<'s> TemplateParser<'s> {
    pub(super) fn cursor(&self, markup: Span) -> MarkupCursor<'s> {
        MarkupCursor::new(self.source, markup, self.limits.nesting)
    }

    /// The markup of an output or `echo`; `None` where it is empty, which prints nothing.
    pub(super) fn parse_output_markup(
        &self,
        markup: Span,
        span: Span,
    ) -> Result<Option<FilteredExpression>, ParseError> {
        let mut cursor = self.cursor(markup);
        if cursor.is_at_end() {
            return Ok(None);
        }
        self.parse_filtered(&mut cursor, span).map(Some)
    }

    /// A value and its filters up to the end of the tag.
    pub(super) fn parse_filtered(
        &self,
        cursor: &mut MarkupCursor<'s>,
        span: Span,
    ) -> Result<FilteredExpression, ParseError> {
        let value = parse_expression(cursor)?;
        let mut filters = Vec::new();
        while cursor.eat("|") {
            filters.push(parse_filter_call(cursor)?);
        }
        if !cursor.is_at_end() {
            return Err(cursor.unexpected_error("`|` and a filter, or the end of the tag"));
        }
        Ok(FilteredExpression { value, filters, span })
    }

    /// The condition of `if`, `unless` and `elsif`.
    pub(super) fn parse_condition(&self, markup: Span) -> Result<TagCondition, ParseError> {
        let mut cursor = self.cursor(markup);
        let first = parse_comparison(&mut cursor)?;
        let mut rest = Vec::new();
        loop {
            let junction = if cursor.eat_word("and") {
                BooleanOperator::And
            } else if cursor.eat_word("or") {
                BooleanOperator::Or
            } else {
                break;
            };
            rest.push((junction, parse_comparison(&mut cursor)?));
        }
        if !cursor.is_at_end() {
            return Err(cursor.unexpected_error("an operator, `and`, `or`, or the end of the tag"));
        }
        Ok(TagCondition { first, rest })
    }
}

/// One value: a literal, a range or a path.
pub(super) fn parse_expression(cursor: &mut MarkupCursor<'_>) -> Result<Expression, ParseError> {
    match cursor.peek() {
        Some(b'"' | b'\'') => cursor.read_string().map(Expression::Text),
        Some(b'(') => parse_nested(cursor, parse_range),
        Some(b'[') => parse_path(cursor),
        Some(b'0'..=b'9') => parse_number(cursor),
        Some(b'-') if cursor.byte(1).is_some_and(|byte| byte.is_ascii_digit()) => {
            parse_number(cursor)
        }
        Some(b'a'..=b'z' | b'A'..=b'Z' | b'_') => parse_path(cursor),
        _ => Err(cursor.unexpected_error("a value")),
    }
}

fn parse_number(cursor: &mut MarkupCursor<'_>) -> Result<Expression, ParseError> {
    Ok(match cursor.read_number()? {
        NumberLiteral::Int(number) => Expression::Int(number),
        NumberLiteral::Float(number) => Expression::Float(number),
    })
}

/// Parses inside of one more bracket. Only brackets recurse, so this bounds the stack.
fn parse_nested<'s>(
    cursor: &mut MarkupCursor<'s>,
    parse: fn(&mut MarkupCursor<'s>) -> Result<Expression, ParseError>,
) -> Result<Expression, ParseError> {
    let start = cursor.token_start();
    if cursor.depth_left == 0 {
        let cause = ErrorCause::new(LiquidErrorKind::Limit, "too many nested brackets");
        return Err(cause.at_span(Span::new(start, start + 1)));
    }
    cursor.depth_left -= 1;
    let parsed = parse(cursor);
    cursor.depth_left += 1;
    parsed
}

fn parse_range(cursor: &mut MarkupCursor<'_>) -> Result<Expression, ParseError> {
    let start = cursor.token_start();
    cursor.eat("(");
    let first = parse_expression(cursor)?;
    if !cursor.eat("..") {
        return Err(cursor.unexpected_error("`..` between the ends of a range"));
    }
    let last = parse_expression(cursor)?;
    if !cursor.eat(")") {
        return Err(cursor.unexpected_error("`)` after a range"));
    }
    Ok(Expression::Range(Box::new((first, last)), cursor.span_from(start)))
}

fn parse_path(cursor: &mut MarkupCursor<'_>) -> Result<Expression, ParseError> {
    let start = cursor.token_start();
    let root = match cursor.read_name() {
        Some(name) => PathRoot::Name(name),
        None => PathRoot::Computed(Box::new(parse_brackets(cursor)?)),
    };
    let mut segments = Vec::new();
    loop {
        match cursor.peek() {
            // `..` belongs to a range.
            Some(b'.') if cursor.byte(1) != Some(b'.') => {
                cursor.eat(".");
                let key = cursor
                    .read_name()
                    .ok_or_else(|| cursor.unexpected_error("a name after `.`"))?;
                segments.push(PathSegment::Key(key, command_method(cursor.text(key))));
            }
            Some(b'[') => segments.push(PathSegment::Index(parse_brackets(cursor)?)),
            _ => break,
        }
    }
    let span = cursor.span_from(start);
    // `nil.x` is a path, and `empty` alone is not: a literal has no segments.
    if let (PathRoot::Name(name), true) = (&root, segments.is_empty())
        && let Some(literal) = literal_expression(cursor.text(*name))
    {
        return Ok(literal);
    }
    Ok(Expression::Path(VariablePath { root, segments, span }))
}

/// The value between `[` and `]`.
fn parse_brackets(cursor: &mut MarkupCursor<'_>) -> Result<Expression, ParseError> {
    cursor.eat("[");
    let inside = parse_nested(cursor, parse_expression)?;
    if !cursor.eat("]") {
        return Err(cursor.unexpected_error("`]`"));
    }
    Ok(inside)
}

fn command_method(key: &str) -> Option<CommandMethod> {
    match key {
        "size" => Some(CommandMethod::Size),
        "first" => Some(CommandMethod::First),
        "last" => Some(CommandMethod::Last),
        _ => None,
    }
}

/// The words that are values and never variables.
fn literal_expression(name: &str) -> Option<Expression> {
    match name {
        "nil" | "null" => Some(Expression::Nil),
        "true" => Some(Expression::Bool(true)),
        "false" => Some(Expression::Bool(false)),
        "blank" => Some(Expression::Blank),
        "empty" => Some(Expression::Empty),
        _ => None,
    }
}

fn parse_filter_call(cursor: &mut MarkupCursor<'_>) -> Result<FilterCall, ParseError> {
    let name = cursor.read_name().ok_or_else(|| cursor.unexpected_error("the name of a filter"))?;
    let Some(filter) = filters::find(cursor.text(name)) else {
        let text = cursor.text(name);
        let cause =
            ErrorCause::new(LiquidErrorKind::UnknownFilter, format!("there is no filter `{text}`"));
        return Err(cause.with_help(did_you_mean(text, filters::names())).at_span(name));
    };
    let mut call = FilterCall { filter, arguments: Vec::new(), keyword: None, span: name };
    if cursor.eat(":") {
        parse_arguments(cursor, &mut call)?;
    }
    // When compiled, not when rendered: a wrong call must not wait for its branch.
    check_argument_count(filter, call.arguments.len(), name)?;
    Ok(call)
}

fn parse_arguments(cursor: &mut MarkupCursor<'_>, call: &mut FilterCall) -> Result<(), ParseError> {
    loop {
        match cursor.read_keyword() {
            Some(keyword) if call.filter.keyword == Some(cursor.text(keyword)) => {
                call.keyword = Some(parse_expression(cursor)?);
            }
            Some(keyword) => {
                return Err(unknown_keyword_error(call.filter, cursor.text(keyword), keyword));
            }
            None => call.arguments.push(parse_expression(cursor)?),
        }
        // A comma behind the last argument is accepted.
        if !cursor.eat(",") || cursor.is_at_end() || cursor.peek() == Some(b'|') {
            return Ok(());
        }
    }
}

fn unknown_keyword_error(filter: &Filter, keyword: &str, span: Span) -> ParseError {
    let detail = format!("`{}` takes no `{keyword}:`", filter.name);
    ErrorCause::arguments(detail)
        .with_help(filter.keyword.map(|known| format!("did you mean `{known}:`?")))
        .at_span(span)
}

fn check_argument_count(filter: &Filter, count: usize, span: Span) -> Result<(), ParseError> {
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
    Err(ErrorCause::arguments(format!("`{}` takes {takes}, got {count}", filter.name))
        .at_span(span))
}

fn parse_comparison(cursor: &mut MarkupCursor<'_>) -> Result<Comparison, ParseError> {
    let start = cursor.token_start();
    let left = parse_expression(cursor)?;
    let right = match parse_operator(cursor) {
        Some(operator) => Some((operator, parse_expression(cursor)?)),
        None => None,
    };
    Ok(Comparison { left, right, span: cursor.span_from(start) })
}

fn parse_operator(cursor: &mut MarkupCursor<'_>) -> Option<ComparisonOperator> {
    const SIGNS: [(&str, ComparisonOperator); 7] = [
        ("==", ComparisonOperator::Equal),
        ("!=", ComparisonOperator::NotEqual),
        ("<>", ComparisonOperator::NotEqual),
        ("<=", ComparisonOperator::LessOrEqual),
        (">=", ComparisonOperator::GreaterOrEqual),
        ("<", ComparisonOperator::Less),
        (">", ComparisonOperator::Greater),
    ];
    // The longer signs come first, so that `<=` is not read as `<`.
    let sign = SIGNS.into_iter().find(|(sign, _)| cursor.eat(sign)).map(|(_, operator)| operator);
    sign.or_else(|| cursor.eat_word("contains").then_some(ComparisonOperator::Contains))
}
