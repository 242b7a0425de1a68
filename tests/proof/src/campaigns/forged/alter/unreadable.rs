//! Requests whose signature is right, and which cannot be read: what comes is not 403.

use super::super::request::{FORM, Request};
use super::Alteration;
use crate::carrier::{PUBLIC_URL, TOKEN};

const fn unreadable(status: u16, name: &'static str, make: super::Make) -> Alteration {
    Alteration { name, status, make }
}

/// More than any webhook has.
const TOO_LARGE: usize = twimlgate::limits::WEBHOOK_BODY_BYTES_MAX + 1;

fn method(request: &mut Request, method: &'static str) -> Option<()> {
    request.method = method;
    Some(())
}

/// All of them.
pub(super) const ALL: [Alteration; 13] = [
    unreadable(400, "a form in another charset", |request, _, _| {
        request.is_form().then_some(())?;
        request.types = vec![FORM.replace("UTF-8", "ISO-8859-1")];
        Some(())
    }),
    unreadable(400, "two types of content", |request, _, _| {
        request.types.push(request.types.first()?.clone());
        Some(())
    }),
    unreadable(400, "a form that is not UTF-8", |request, _, _| {
        request.is_form().then(|| request.body.extend(b"&Body=%FF"))
    }),
    unreadable(400, "too many parameters", |request, _, _| {
        request.is_form().then_some(())?;
        let many = (0..=twimlgate::limits::WEBHOOK_PARAMETERS_MAX)
            .map(|n| (format!("p{n}"), "1".to_owned()));
        request.set_pairs(many.collect());
        request.sign(TOKEN, PUBLIC_URL);
        Some(())
    }),
    unreadable(400, "a quote in the target", |request, _, _| {
        request.target.push_str(if request.target.contains('?') { "&\"" } else { "?\"" });
        Some(())
    }),
    unreadable(400, "lengths that are two", |request, _, _| {
        request.lines.push(format!("Content-Length: {}", request.body.len() + 1));
        (!request.body.is_empty()).then_some(())
    }),
    unreadable(405, "by PUT", |request, _, _| method(request, "PUT")),
    unreadable(405, "by PATCH", |request, _, _| method(request, "PATCH")),
    unreadable(405, "by DELETE", |request, _, _| method(request, "DELETE")),
    unreadable(405, "by HEAD", |request, _, _| method(request, "HEAD")),
    unreadable(405, "by OPTIONS", |request, _, _| method(request, "OPTIONS")),
    unreadable(413, "more than a webhook has", |request, _, _| {
        request.announced = Some(TOO_LARGE);
        (request.method == "POST").then_some(())
    }),
    unreadable(408, "a body that does not come", |request, _, _| {
        request.announced = Some(request.body.len() + 1);
        (request.method == "POST").then_some(())
    }),
];
