//! One outline as a document.

use std::ops::Range;

use super::{OutlineFailure, OutlineFinding, TemplatePlace};
use crate::channel::Channel;
use crate::diagnostics::problem::Severity;
use crate::liquid::{OutlineContent, OutlinePiece, TemplateOutline};
use crate::twiml::Finding;
use crate::twiml::read::{DocumentLimits, TwimlError, TwimlErrorKind, check_document};

/// The text in place of a value: a letter is allowed wherever a value can be.
const VALUE: &str = "x";

/// What is known of an outline.
pub(super) enum OutlineVerdict {
    /// It is TwiML, or may be: that depends on values.
    Works,
    Fails(OutlineFailure),
}

/// The text of an outline, with the places of its pieces.
struct OutlineDocument<'o> {
    text: String,
    pieces: Vec<(Range<usize>, &'o OutlinePiece)>,
}

/// Checks an outline. The findings are about the text of the template itself.
pub(super) fn judge_outline(
    outline: &TemplateOutline,
    channels: &[Channel],
    template: &str,
) -> (OutlineVerdict, Vec<OutlineFinding>) {
    let document = OutlineDocument::build(outline, VALUE);
    let channel = channels.first().copied().unwrap_or(Channel::Voice);
    let error = match document.check(channel) {
        Ok(findings) => {
            let mut placed = document.place_findings(findings, outline, channels.first());
            for other in channels.iter().skip(1) {
                let findings = document.check(*other).unwrap_or_default();
                placed.extend(document.place_findings(findings, outline, Some(other)));
            }
            return (OutlineVerdict::Works, placed);
        }
        Err(error) => error,
    };
    // A value before `<?xml` or outside of the root may be empty.
    let may_be_empty = || OutlineDocument::build(outline, "").check(channel).is_ok();
    let found_at = document.detection_offset(&error);
    let is_open = outline.is_cut && found_at == document.text.len();
    if is_open || document.depends_on_values(&error, found_at) || may_be_empty() {
        return (OutlineVerdict::Works, Vec::new());
    }
    let failure = OutlineFailure {
        place: document
            .locate_error(&error, outline)
            .unwrap_or_else(|| TemplatePlace { template: template.into(), span: 0..0 }),
        choices: outline.deviating_choices().map(|choice| choice.label.clone()).collect(),
        is_doubtful: document.unescaped_before(found_at),
        kind: error.kind,
    };
    (OutlineVerdict::Fails(failure), Vec::new())
}

// === impl OutlineDocument ===

impl<'o> OutlineDocument<'o> {
    fn build(outline: &'o TemplateOutline, value: &str) -> Self {
        let (mut text, mut pieces) = (String::new(), Vec::new());
        for piece in &outline.pieces {
            let start = text.len();
            match piece.content {
                OutlineContent::Fixed => text.push_str(piece.text()),
                OutlineContent::Value => text.push_str(value),
                OutlineContent::Unescaped => {}
            }
            pieces.push((start..text.len(), piece));
        }
        OutlineDocument { text, pieces }
    }

    fn check(&self, channel: Channel) -> Result<Vec<Finding>, TwimlError> {
        let limits = DocumentLimits::default();
        check_document(self.text.as_bytes(), channel, &limits).map(|report| report.findings)
    }

    /// The place of a span that begins in the template's own text.
    fn locate(&self, span: &Range<usize>) -> Option<TemplatePlace> {
        let holds = |range: &Range<usize>| range.start <= span.start && span.start < range.end;
        let (range, piece) = self
            .pieces
            .iter()
            .find(|(range, piece)| piece.content == OutlineContent::Fixed && holds(range))?;
        let end = span.end.clamp(span.start, range.end);
        let locate = |at: usize| piece.span().start + at - range.start;
        let span = locate(span.start)..locate(end);
        Some(TemplatePlace { template: piece.template_name().into(), span })
    }

    /// The place of an error. Where there is no text to point at, it is the choice that leads here.
    fn locate_error(&self, error: &TwimlError, outline: &TemplateOutline) -> Option<TemplatePlace> {
        let choice = || {
            let choice = outline.deviating_choices().last()?;
            Some(TemplatePlace { template: choice.template_name().into(), span: choice.span() })
        };
        match error.kind {
            TwimlErrorKind::Empty | TwimlErrorKind::NoRoot => choice(),
            TwimlErrorKind::Ampersand => {
                self.locate(&(error.span.start..error.span.start + 1)).or_else(choice)
            }
            _ => self.locate(&error.span).or_else(choice),
        }
    }

    fn values(&self) -> impl Iterator<Item = &Range<usize>> {
        let values = |piece: &OutlinePiece| piece.content == OutlineContent::Value;
        self.pieces.iter().filter(move |(_, piece)| values(piece)).map(|(range, _)| range)
    }

    /// Whether text that is not escaped may come before `offset`.
    fn unescaped_before(&self, offset: usize) -> bool {
        self.pieces.iter().any(|(range, piece)| {
            piece.content == OutlineContent::Unescaped && range.start <= offset
        })
    }

    /// The end of the text that a parser has read when it finds the error.
    fn detection_offset(&self, error: &TwimlError) -> usize {
        use TwimlErrorKind as Kind;
        match error.kind {
            Kind::NotClosed(_) | Kind::NoRoot | Kind::Empty | Kind::Open(..) => self.text.len(),
            _ => error.span.start,
        }
    }

    /// Whether other values might avoid the error, which was found at `found_at`.
    fn depends_on_values(&self, error: &TwimlError, found_at: usize) -> bool {
        let span = self.narrow_span(error);
        let overlaps = |range: &Range<usize>| range.start < span.end && span.start < range.end;
        self.values().any(overlaps) || self.has_value_in_tag(found_at)
    }

    /// The bytes that alone make the error.
    fn narrow_span(&self, error: &TwimlError) -> Range<usize> {
        use TwimlErrorKind as Kind;
        let start = error.span.start;
        match &error.kind {
            Kind::Open(..) | Kind::Space(_) | Kind::TagEnd(_) => start..start + 1,
            Kind::Value(name) => start..start + name.len(),
            // `&` and what could be the name of a reference.
            Kind::Ampersand => {
                let rest = self.text.as_bytes().get(start + 1..).unwrap_or_default();
                let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'#';
                start..start + 1 + rest.iter().take_while(is_name).count()
            }
            // The first letter that is not of a value.
            Kind::Outside => {
                let text = self.text.get(error.span.clone()).unwrap_or_default();
                let letters = text.char_indices().filter(|(_, letter)| !letter.is_whitespace());
                let mut offsets = letters.map(|(offset, _)| start + offset);
                let is_value = |at: &usize| self.values().any(|value| value.contains(at));
                offsets.find(|at| !is_value(at)).map_or(error.span.clone(), |at| at..at + 1)
            }
            _ => error.span.clone(),
        }
    }

    /// Whether a value before `end` is in a tag, but not in the value of an attribute: there it may
    /// be a name, on which all that follows depends.
    fn has_value_in_tag(&self, end: usize) -> bool {
        let mut at = 0;
        while at < end {
            let rest = &self.text[at..];
            let sections = [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")];
            let section = sections.iter().find(|(open, _)| rest.starts_with(open));
            let length = match section {
                Some((_, close)) => rest.find(close).map_or(rest.len(), |end| end + close.len()),
                None if rest.starts_with('<') => {
                    let (length, bare) = measure_tag(rest);
                    let before = self.values().filter(|value| value.start < end);
                    let mut inside = before.filter_map(|value| value.start.checked_sub(at));
                    if inside.any(|offset| bare.contains(&offset)) {
                        return true;
                    }
                    length
                }
                None => rest.find('<').unwrap_or(rest.len()),
            };
            at += length.max(1);
        }
        false
    }

    /// The findings that are about the template's own text. None without a channel.
    fn place_findings(
        &self,
        findings: Vec<Finding>,
        outline: &TemplateOutline,
        channel: Option<&Channel>,
    ) -> Vec<OutlineFinding> {
        if channel.is_none() {
            return Vec::new();
        }
        let mut placed = Vec::new();
        for finding in findings {
            let span = &finding.span;
            let overlaps = |range: &Range<usize>| range.start < span.end && span.start < range.end;
            if self.values().any(overlaps) {
                continue;
            }
            let Some(place) = self.locate(span) else { continue };
            // After other markup the element may be elsewhere than it seems.
            let is_certain = !outline.is_cut && !self.unescaped_before(span.start);
            let is_error = finding.is_mistake && is_certain;
            let code = finding.code.map(|code| format!(" (Twilio {code})")).unwrap_or_default();
            placed.push(OutlineFinding {
                message: format!("{}{code}", finding.message),
                help: finding.help,
                place,
                severity: if is_error { Severity::Defect } else { Severity::Warning },
            });
        }
        placed
    }
}

/// The length of the tag that begins a text, and the offsets in it that are in no quotes.
fn measure_tag(text: &str) -> (usize, Vec<usize>) {
    let (mut quote, mut bare) = (None, Vec::new());
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (Some(open), _) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'>') => return (at + 1, bare),
            (None, _) => bare.push(at),
        }
    }
    (text.len(), bare)
}
