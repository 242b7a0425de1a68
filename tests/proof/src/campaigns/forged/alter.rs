//! The alterations: each makes of a request that is rightly signed one that nobody signed so.
//!
//! Not among them is what the scheme does not cover (docs/signatures.md): a boundary between
//! parameters that moves without moving a byte, the order of a form, the same pair twice, a GET's
//! body, a URL with and without the scheme's own port, most headers, white space around a header's
//! value. Where an alteration happens to come to that, [`Request::differs`] passes it over.

mod content;
mod signature;
mod unreadable;
mod url;

use super::request::{Pairs, Request};
use crate::rng::Rng;

/// One alteration.
pub(super) struct Alteration {
    pub(super) name: &'static str,
    /// The status of the answer.
    pub(super) status: u16,
    /// Makes it. `None` where it cannot be made of this request.
    make: Make,
}

type Make = fn(&mut Request, &Request, &mut Rng) -> Option<()>;

const fn refused(name: &'static str, make: Make) -> Alteration {
    Alteration { name, status: 403, make }
}

/// All of them.
pub(super) fn all() -> Vec<&'static Alteration> {
    let lists: [&[Alteration]; 5] =
        [&content::FORMS, &content::BODIES, &url::ALL, &signature::ALL, &unreadable::ALL];
    lists.into_iter().flatten().collect()
}

impl Alteration {
    /// The request, altered. `seen` is another one that was rightly signed.
    pub(super) fn of(&self, signed: &Request, seen: &Request, rng: &mut Rng) -> Option<Request> {
        let mut altered = signed.clone();
        (self.make)(&mut altered, seen, rng)?;
        let unreadable = self.status != 403;
        (unreadable || altered.differs(signed)).then_some(altered)
    }
}

/// One of a list.
fn index<T>(list: &[T], rng: &mut Rng) -> Option<usize> {
    (!list.is_empty()).then(|| rng.below(list.len() as u64) as usize)
}

/// Changes the parameters: the form's, or a GET's.
fn pairs(
    request: &mut Request,
    rng: &mut Rng,
    change: impl FnOnce(&mut Pairs, usize, &mut Rng) -> Option<()>,
) -> Option<()> {
    if request.is_event() {
        return None;
    }
    let mut pairs = request.pairs();
    let at = index(&pairs, rng)?;
    change(&mut pairs, at, rng)?;
    request.set_pairs(pairs);
    Some(())
}

/// Changes the value of a parameter that is there.
fn named(request: &mut Request, name: &str, change: impl FnOnce(&mut String)) -> Option<()> {
    if request.is_event() {
        return None;
    }
    let mut pairs = request.pairs();
    change(&mut pairs.iter_mut().find(|(found, _)| found == name)?.1);
    request.set_pairs(pairs);
    Some(())
}
