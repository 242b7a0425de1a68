//! The attributes of a start tag.

use std::ops::Range;

use super::characters::{is_space, resolve};
use super::error::{ErrorKind, shown};
use super::scan::{Attribute, Pass, Refused, Sink};

/// Up to so many attributes each name is compared with those before it, which costs less than
/// sorting; beyond, they are sorted once, so that thousands cost no more than their number.
const COMPARED_PAIRWISE: usize = 16;

/// Reads the attributes that stand in `span`: from behind the element's name to behind `>`.
pub(super) fn attributes<'a, S: Sink<'a>>(
    pass: &mut Pass<'a, '_, S>,
    span: Range<usize>,
) -> Result<(), Refused> {
    let bytes = &pass.text.as_bytes()[..span.end];
    // The tag ends with `>` or `/>`: its end is known before its attributes are read.
    let end = span.end - if bytes.ends_with(b"/>") { 2 } else { 1 };
    let mut at = span.start;
    pass.names.clear();
    loop {
        let behind = at;
        while at < end && is_space(bytes[at]) {
            at += 1;
        }
        if at >= end {
            return no_duplicates(pass, span);
        }
        if at == behind {
            return pass.fail(glued(pass, at), at..span.end);
        }
        let attribute = attribute(pass, at, end)?;
        at = attribute.value_at + attribute.raw.len() + 1;
        remember(pass, &attribute)?;
        pass.sink.attribute(attribute);
    }
}

/// The attribute whose name begins at `at`.
fn attribute<'a, S: Sink<'a>>(
    pass: &Pass<'a, '_, S>,
    at: usize,
    end: usize,
) -> Result<Attribute<'a>, Refused> {
    let name = pass.name(at)?;
    let bytes = &pass.text.as_bytes()[..end];
    let skip = |mut at: usize| {
        while bytes.get(at).copied().is_some_and(is_space) {
            at += 1;
        }
        at
    };
    let equals = skip(at + name.len());
    let quote = skip(equals + 1);
    let (Some(b'='), Some(mark @ (b'"' | b'\''))) = (bytes.get(equals), bytes.get(quote)) else {
        return pass.fail(ErrorKind::Value(shown(name)), at..at + name.len());
    };
    let value_at = quote + 1;
    let mut references = false;
    for (index, byte) in bytes[value_at..].iter().enumerate() {
        match byte {
            b'<' => {
                let place = value_at + index;
                return pass.fail(ErrorKind::LessThan(shown(name)), place..place + 1);
            }
            b'&' => references = true,
            byte if byte == mark => {
                let raw = &pass.text[value_at..value_at + index];
                let attribute = Attribute { name, raw, references, at, value_at };
                return checked(pass, attribute);
            }
            _ => {}
        }
    }
    pass.fail(ErrorKind::Value(shown(name)), at..end)
}

/// The attribute, if all references in its value refer to something.
fn checked<'a, S: Sink<'a>>(
    pass: &Pass<'a, '_, S>,
    attribute: Attribute<'a>,
) -> Result<Attribute<'a>, Refused> {
    if !attribute.references {
        return Ok(attribute);
    }
    let mut from = 0;
    while let Some(found) = attribute.raw[from..].find('&') {
        let at = from + found;
        let inside = &attribute.raw[at + 1..];
        let length = inside.find([';', '&']).unwrap_or(inside.len());
        let place = attribute.value_at + at..attribute.value_at + at + length + 2;
        if !inside[length..].starts_with(';') {
            return pass.fail(ErrorKind::Ampersand, place.start..place.start + 1);
        }
        if let Err(kind) = resolve(&inside[..length]) {
            return pass.fail(kind, place);
        }
        from = at + length + 2;
    }
    Ok(attribute)
}

/// Counts the attribute, and refuses it if the element has it already.
fn remember<'a, S: Sink<'a>>(
    pass: &mut Pass<'a, '_, S>,
    attribute: &Attribute<'a>,
) -> Result<(), Refused> {
    let place = attribute.at..attribute.at + attribute.name.len();
    if pass.names.len() >= pass.bounds.attributes {
        return pass.fail(ErrorKind::Attributes(pass.bounds.attributes), place);
    }
    if pass.names.len() < COMPARED_PAIRWISE && pass.names.contains(&attribute.name) {
        return pass.fail(ErrorKind::Duplicate(shown(attribute.name)), place);
    }
    pass.names.push(attribute.name);
    Ok(())
}

/// Refuses an element of many attributes if two of them have one name.
fn no_duplicates<'a, S: Sink<'a>>(
    pass: &mut Pass<'a, '_, S>,
    span: Range<usize>,
) -> Result<(), Refused> {
    if pass.names.len() <= COMPARED_PAIRWISE {
        return Ok(());
    }
    pass.names.sort_unstable();
    match pass.names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => pass.fail(ErrorKind::Duplicate(shown(pair[0])), span),
        None => Ok(()),
    }
}

/// What is wrong at `at`, where neither white space nor the end of the tag is.
fn glued<'a, S: Sink<'a>>(pass: &Pass<'a, '_, S>, at: usize) -> ErrorKind {
    match pass.names.last() {
        Some(name) => ErrorKind::Space(shown(name)),
        None => ErrorKind::TagEnd(pass.text[at..].chars().take(1).collect()),
    }
}
