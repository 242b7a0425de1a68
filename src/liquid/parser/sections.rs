//! Parsing of outputs, and of the sections that TwiML Bins have from Mustache:
//! `{{#Name}}…{{/Name}}` renders if there is a `Name`, `{{^Name}}…{{/Name}}` if there is none.
//! `{{#e164}}…{{/e164}}` applies a filter.

use super::super::error::{ErrorCause, ParseError, Span};
use super::super::filters;
use super::super::tokens::{TagToken, Tokenizer};
use super::super::tree::{
    BlockBody, CaptureTag, Comparison, ComparisonOperator, Expression, FilterCall,
    FilteredExpression, IfBranch, IfTag, PathRoot, TagCondition, TemplateNode, VariablePath,
};
use super::expressions::parse_expression;
use super::open_block::OpenBlock;
use super::{TemplateParser, drop_blank_text};

/// The filters that are also sections. No others: their names could be those of variables.
const SECTION_FILTERS: [&str; 1] = ["e164"];

/// The markup of an output, and the whole with its braces.
pub(super) struct OutputMarkup {
    pub(super) markup: Span,
    pub(super) span: Span,
}

impl<'s> TemplateParser<'s> {
    /// The end of the open section, if an output closes it.
    pub(super) fn section_end(
        &self,
        output: &OutputMarkup,
        block: Option<OpenBlock<'s>>,
    ) -> Option<TagToken> {
        let OutputMarkup { markup, span } = *output;
        let name = self.mustache_name(markup, &['/'])?;
        let closes = block.is_some_and(|block| block.is_section(self.text(name)));
        closes.then_some(TagToken { name, markup, span })
    }

    /// Parses an output, or the section that it opens, into `body`. `block` is the open one.
    pub(super) fn parse_output(
        &mut self,
        body: &mut BlockBody,
        tokens: &mut Tokenizer<'s>,
        output: &OutputMarkup,
        block: Option<OpenBlock<'s>>,
    ) {
        let OutputMarkup { markup, span } = *output;
        if self.mustache_name(markup, &['#', '^']).is_some() {
            let parsed = self.parse_section(body, tokens, output);
            self.record_error(parsed);
            return;
        }
        body.blank = false;
        if let Some(error) = self.mustache_error(markup, span, block) {
            self.errors.push(error);
            return;
        }
        let parsed = self.parse_output_markup(markup, span);
        if let Some(Some(output)) = self.record_error(parsed) {
            body.nodes.push(TemplateNode::Output(output));
        }
    }

    /// The name behind one of these signs, for markup that begins with it.
    fn mustache_name(&self, markup: Span, signs: &[char]) -> Option<Span> {
        let text = self.text(markup);
        let inside = text.trim_start().strip_prefix(signs)?;
        let start = markup.end as usize - inside.trim_start().len();
        Some(Span::new(start, start + inside.trim().len()))
    }

    /// Parses the section that an output opens into `body`.
    ///
    /// # Errors
    /// The name is not that of a variable.
    fn parse_section(
        &mut self,
        body: &mut BlockBody,
        tokens: &mut Tokenizer<'s>,
        output: &OutputMarkup,
    ) -> Result<(), ParseError> {
        let OutputMarkup { markup, span } = *output;
        let name = self.mustache_name(markup, &['#', '^']).unwrap_or_default();
        let condition = self.section_condition(name, span);
        let block = OpenBlock { name: self.text(markup).trim(), parts: &[], opened: span };
        let (mut inside, _) = self.parse_block(tokens, block);
        let condition = condition?;
        let negated = block.name.starts_with('^');
        let filter = self.text(name);
        if let Some(filter) = filters::find(filter).filter(|_| SECTION_FILTERS.contains(&filter)) {
            body.blank = false;
            // The rendered text of the section, and then what the filter makes of it.
            let capture = CaptureTag { name, body: inside };
            let call = FilterCall { filter, arguments: Vec::new(), keyword: None, span };
            let value = Expression::Path(VariablePath {
                root: PathRoot::Name(name),
                segments: Vec::new(),
                span: name,
            });
            body.nodes.push(TemplateNode::Capture(Box::new(capture)));
            let output = FilteredExpression { value, filters: vec![call], span };
            body.nodes.push(TemplateNode::Output(output));
            return Ok(());
        }
        body.blank &= drop_blank_text(std::iter::once(&mut inside));
        let branch = IfBranch { condition: Some(condition), negated, body: inside };
        let section = IfTag { branches: vec![branch], span };
        body.nodes.push(TemplateNode::If(Box::new(section)));
        Ok(())
    }

    /// The condition of a section: Mustache renders none for a text without content.
    fn section_condition(&self, name: Span, span: Span) -> Result<TagCondition, ParseError> {
        let mut cursor = self.cursor(name);
        let left = parse_expression(&mut cursor);
        match left {
            Ok(left @ Expression::Path(_)) if cursor.is_at_end() => {
                let right = Some((ComparisonOperator::NotEqual, Expression::Blank));
                let first = Comparison { left, right, span: name };
                Ok(TagCondition { first, rest: Vec::new() })
            }
            _ => {
                let detail = format!("`{}` is no section", self.text(span));
                let help = "expected the name of a variable; Liquid has `{% if Name != blank %}`";
                Err(ErrorCause::syntax(detail).with_help(Some(help.to_owned())).at_span(span))
            }
        }
    }

    /// The error of markup that Mustache has and Liquid does not. `block` is the open one.
    fn mustache_error(
        &self,
        markup: Span,
        span: Span,
        block: Option<OpenBlock<'s>>,
    ) -> Option<ParseError> {
        let text = self.text(markup).trim();
        let sign = text.chars().next()?;
        let name = text[sign.len_utf8()..].trim().trim_end_matches('}');
        let (what, help) = match sign {
            '/' => (
                "closes no open section",
                block.map(|block| format!("expected `{}` first", block.closing())),
            ),
            '{' | '&' => (
                "prints without escaping, which a document cannot have",
                Some(format!("write `{{{{ {name} }}}}`")),
            ),
            '!' => ("is a comment of Mustache", Some("write `{% # … %}`".to_owned())),
            '>' => ("is a partial of Mustache", Some(format!("write `{{% include '{name}' %}}`"))),
            '.' if name.is_empty() => (
                "is an item of a list, and parameters are texts here",
                Some("write the name of one parameter".to_owned()),
            ),
            _ => return None,
        };
        // The third brace of `{{{Name}}}`.
        let brace = usize::from(sign == '{' && self.source[span.end as usize..].starts_with('}'));
        let span = Span::new(span.start as usize, span.end as usize + brace);
        let detail = format!("`{}` {what}", self.text(span));
        Some(ErrorCause::syntax(detail).with_help(help).at_span(span))
    }
}
